/**
 * The objects of one resource as the watch last reported them, by name. Rows know their objects by name, so a copy of a pod
 * with all its labels hides nothing. Events may come twice, late or out of order; only newer versions are taken.
 *
 * An object that is missing from a list may exist all the same, because an answer may be incomplete. `isKnown` tells it from
 * an object that is known to be gone.
 */

import type { UnreadableObject } from '../kube/unreadable-object.ts';

export interface CachedObject {
  metadata: { name: string; uid: string; resourceVersion: string };
}

export interface ObjectCache<T> {
  /** Whether the cache has received a list. Before that, a missing object proves nothing. */
  readonly synced: boolean;
  /** How many lists the cache has received. */
  readonly lists: number;
  named(name: string): T | null;
  objects(): T[];
  /** The object of this name when it exists and cannot be read. */
  unreadableNamed(name: string): UnreadableObject | null;
  /** Whether an event or a read has shown that the object exists or is gone. A list shows only that an object exists. */
  isKnown(name: string): boolean;
  /** A read of the object has found none. */
  markGone(name: string): void;
  /** Replaces the content by a list. */
  replace(objects: T[], unreadable?: UnreadableObject[]): void;
  /** An object cannot be read any more. */
  markUnreadable(object: UnreadableObject): void;
  /** An object that could not be read is gone. */
  forget(name: string): void;
  /** Returns whether the event carried new information. */
  apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): boolean;
}

export function createObjectCache<T extends CachedObject>(): ObjectCache<T> {
  /** `object: null` keeps a deletion until the next list, so that an older event does not bring the object back. */
  let byName = new Map<string, { object: T | null; resourceVersion: string }>();
  let unreadableByName = new Map<string, UnreadableObject>();
  let lists = 0;
  const isKnown = (name: string) => byName.has(name) || unreadableByName.has(name);
  return {
    get synced() {
      return lists > 0;
    },
    get lists() {
      return lists;
    },
    named: (name) => byName.get(name)?.object ?? null,
    objects: () => [...byName.values()].flatMap(({ object }) => object ?? []),
    unreadableNamed: (name) => unreadableByName.get(name) ?? null,
    isKnown,
    markGone(name) {
      // Every version is later than 0.
      if (!isKnown(name)) byName.set(name, { object: null, resourceVersion: '0' });
    },
    replace(objects, unreadable = []) {
      byName = new Map(
        objects.map((object) => [object.metadata.name, { object, resourceVersion: object.metadata.resourceVersion }]),
      );
      unreadableByName = new Map(unreadable.map((object) => [object.name, object]));
      lists += 1;
    },
    markUnreadable: (object) => void unreadableByName.set(object.name, object),
    forget(name) {
      unreadableByName.delete(name);
      byName.set(name, { object: null, resourceVersion: '0' });
    },
    apply(type, object) {
      const { name, uid, resourceVersion } = object.metadata;
      const held = byName.get(name);
      if (held && !isLater(resourceVersion, held.resourceVersion)) return false;
      // The deletion of a predecessor with the same name does not concern the current object.
      if (type === 'DELETED' && held?.object && held.object.metadata.uid !== uid) return false;
      unreadableByName.delete(name);
      byName.set(name, { object: type === 'DELETED' ? null : object, resourceVersion });
      return true;
    },
  };
}

/**
 * Compares two resource versions. They are numbers that rise within a resource.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
 * When a version is not a number, the API is trusted to keep the order.
 */
export function isLater(version: string, than: string): boolean {
  if (!/^\d+$/.test(version) || !/^\d+$/.test(than)) return true;
  return BigInt(version) > BigInt(than);
}
