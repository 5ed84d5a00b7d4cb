/**
 * The newest events about each of our objects. They are kept by the uid of what they are about, so that one that comes
 * before its pod waits for it, and one that comes after the pod's end is never taken for news of its successor.
 */

import { isLater } from './object-cache.ts';

export interface RememberedEvent {
  metadata: { name: string; resourceVersion: string };
  involvedObject: { uid: string; name: string };
}

type About = RememberedEvent['involvedObject'];

export interface EventCache<T> {
  /** What is known of this object; that of which was last heard comes last. */
  about(object: About): T[];
  /** Takes a list for all that there is. */
  replace(events: T[]): void;
  /** Returns whether it told anything new. */
  add(event: T): boolean;
  /** Forgets what is about objects that are not there, and of which nothing was heard for a while. */
  prune(isThere: (object: About) => boolean): void;
}

/** Enough for three containers that pull, fail and are tried again; a pod that fails for days has no more to say. */
const newestOfEach = 20;
/** Longer than an event is ahead of its object. */
const orphanMs = 60_000;

/** @param deps.now milliseconds from any origin */
export function createEventCache<T extends RememberedEvent>({ now }: { now: () => number }): EventCache<T> {
  let byObject = new Map<string, { of: About; byName: Map<string, T>; heardAt: number }>();

  function add(event: T): boolean {
    const { involvedObject: of } = event;
    const key = keyOf(of);
    const { name, resourceVersion } = event.metadata;
    const known = byObject.get(key) ?? { of, byName: new Map<string, T>(), heardAt: 0 };
    const held = known.byName.get(name);
    if (held && !isLater(resourceVersion, held.metadata.resourceVersion)) return false;
    known.heardAt = now();
    known.byName.delete(name); // so that it becomes the last
    known.byName.set(name, event);
    const oldest = known.byName.size > newestOfEach ? known.byName.keys().next().value : undefined;
    if (oldest !== undefined) known.byName.delete(oldest);
    byObject.set(key, known);
    return true;
  }

  return {
    add,
    about: (of) => [of, { ...of, uid: '' }].flatMap((each) => [...(byObject.get(keyOf(each))?.byName.values() ?? [])]),
    replace(events) {
      byObject = new Map();
      const inOrder = events.toSorted((a, b) =>
        isLater(a.metadata.resourceVersion, b.metadata.resourceVersion) ? 1 : -1,
      );
      for (const event of inOrder) add(event);
    },
    prune(isThere) {
      for (const [key, { of, heardAt }] of byObject) {
        if (!isThere(of) && now() - heardAt > orphanMs) byObject.delete(key);
      }
    },
  };
}

/** Some controllers tell the name alone; whoever reads such an event looks at its time. */
function keyOf({ uid, name }: About): string {
  return uid === '' ? `name ${name}` : uid;
}
