/** The objects of the API in memory, one revision counter over all of them, and the last changes. */

import type { KubeObject } from './kube-object.ts';

/** One change of the store, in the order in which it happened. */
export interface Change {
  revision: number;
  resource: string;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** The object after the change. For DELETED: its last state, with the revision of the deletion. */
  object: KubeObject;
  previous: KubeObject | undefined;
}

interface StoreOptions {
  /** How many changes are kept for watchers. A watcher that needs older ones gets 410. */
  historyLimit?: number;
  /** Objects and revision of an earlier run. */
  initial?: { revision: number; objects: Iterable<readonly [resource: string, object: KubeObject]> };
  /** Called with every change before it is applied. When it throws, the change does not happen. */
  persist?: (change: Change) => void;
}

export type Store = ReturnType<typeof createStore>;

/**
 * Everything here is synchronous. So a caller that reads, decides and writes without an await in between is atomic, as
 * optimistic concurrency requires.
 */
export function createStore(options: StoreOptions = {}) {
  const historyLimit = options.historyLimit ?? 2000;
  const collections = new Map<string, Map<string, KubeObject>>();
  const sortedKeys = new Map<string, string[]>();
  const listeners = new Set<(change: Change) => void>();
  let revision = options.initial?.revision ?? 1;
  let history: Change[] = [];
  /** The history contains only changes after this revision. */
  let forgottenUpTo = revision;

  for (const [resource, object] of options.initial?.objects ?? []) {
    collectionOf(resource).set(keyOf(object.metadata.namespace, object.metadata.name), object);
  }

  function collectionOf(resource: string): Map<string, KubeObject> {
    let collection = collections.get(resource);
    if (collection === undefined) {
      collection = new Map();
      collections.set(resource, collection);
    }
    return collection;
  }

  /** Applies a change: first on disk, then in memory, then the subscribers are called. */
  function apply(change: Change, update: (collection: Map<string, KubeObject>) => void): void {
    options.persist?.(change);
    revision = change.revision;
    update(collectionOf(change.resource));
    if (change.type !== 'MODIFIED') sortedKeys.delete(change.resource);
    history.push(change);
    // Trimmed in large steps, so that the average cost of a write is constant.
    if (history.length > historyLimit * 2) {
      history = history.slice(-historyLimit);
      forgottenUpTo = (history[0]?.revision ?? revision + 1) - 1;
    }
    for (const listener of listeners) listener(change);
  }

  function keysOf(resource: string): string[] {
    let keys = sortedKeys.get(resource);
    if (keys === undefined) {
      keys = [...collectionOf(resource).keys()].toSorted();
      sortedKeys.set(resource, keys);
    }
    return keys;
  }

  return {
    revision: (): number => revision,

    get(resource: string, namespace: string | undefined, name: string): KubeObject | undefined {
      return collections.get(resource)?.get(keyOf(namespace, name));
    },

    /** Stores a new or changed object under the next revision and returns what was stored. */
    put(resource: string, object: KubeObject): KubeObject {
      const key = keyOf(object.metadata.namespace, object.metadata.name);
      const previous = collections.get(resource)?.get(key);
      const stored = withRevision(object, revision + 1);
      const type = previous === undefined ? 'ADDED' : 'MODIFIED';
      apply({ revision: revision + 1, resource, type, object: stored, previous }, (collection) =>
        collection.set(key, stored),
      );
      return stored;
    },

    /** Removes an object and returns its last state, with the revision of the removal. */
    remove(resource: string, object: KubeObject): KubeObject {
      const key = keyOf(object.metadata.namespace, object.metadata.name);
      const last = withRevision(object, revision + 1);
      apply({ revision: revision + 1, resource, type: 'DELETED', object: last, previous: object }, (collection) =>
        collection.delete(key),
      );
      return last;
    },

    /** The current objects, ordered by namespace and name. */
    list(resource: string): KubeObject[] {
      const collection = collectionOf(resource);
      return keysOf(resource).flatMap((key) => collection.get(key) ?? []);
    },

    /** The objects at an earlier revision; `forgotten` when the changes since then are no longer kept. */
    listAt(resource: string, atRevision: number): KubeObject[] | 'forgotten' {
      if (atRevision === revision) return this.list(resource);
      if (atRevision < forgottenUpTo) return 'forgotten';
      const past = new Map(collectionOf(resource));
      for (const change of history.toReversed()) {
        if (change.revision <= atRevision) break;
        if (change.resource !== resource) continue;
        const key = keyOf(change.object.metadata.namespace, change.object.metadata.name);
        if (change.previous === undefined) past.delete(key);
        else past.set(key, change.previous);
      }
      return [...past.keys()].toSorted().flatMap((key) => past.get(key) ?? []);
    },

    /** The changes after a revision; `forgotten` when some of them are no longer kept. */
    changesSince(resource: string, afterRevision: number): Change[] | 'forgotten' {
      if (afterRevision < forgottenUpTo || afterRevision > revision) return 'forgotten';
      return history.filter((change) => change.revision > afterRevision && change.resource === resource);
    },

    /** Calls the listener synchronously for every further change. Returns a function that unsubscribes. */
    subscribe(listener: (change: Change) => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    /** Forgets all past changes, like the compaction of etcd. */
    compact(): void {
      history = [];
      forgottenUpTo = revision;
    },

    /** All objects, for a snapshot. */
    *entries(): Iterable<readonly [resource: string, object: KubeObject]> {
      for (const [resource, collection] of collections) {
        for (const object of collection.values()) yield [resource, object];
      }
    },
  };
}

/** The key of an object in its collection. Lists are in the order of these keys. */
export function keyOf(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function withRevision(object: KubeObject, revision: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: `${revision}` } };
}
