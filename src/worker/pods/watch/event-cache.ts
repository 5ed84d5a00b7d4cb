/**
 * The newest Kubernetes events about each of our objects, by the uid of the object. An event that comes before its pod
 * waits for the pod, and an event about a pod is never shown for its successor.
 */

import type { Clock } from '../../../shared/clock.ts';
import { isLater } from './object-cache.ts';

export interface CachedEvent {
  metadata: { name: string; resourceVersion: string };
  involvedObject: { uid: string; name: string };
}

/** The object that an event is about. */
type Subject = CachedEvent['involvedObject'];

export interface EventCache<T> {
  /** The events about this object; the most recently received event is the last. */
  about(subject: Subject): T[];
  /** Replaces the content by a complete list. */
  replace(events: T[]): void;
  /** Returns whether the event carried new information. */
  add(event: T): boolean;
  /** Drops the events about objects that do not exist, when none was received for a minute. */
  prune(exists: (subject: Subject) => boolean): void;
}

/** Enough for three containers that pull, fail and retry. Older events of the same object add nothing. */
const newestOfEach = 20;
/** An event may arrive before its object, but never this much earlier. */
const orphanMs = 60_000;

export function createEventCache<T extends CachedEvent>({ clock }: { clock: Clock }): EventCache<T> {
  let bySubject = new Map<string, { subject: Subject; byName: Map<string, T>; receivedAt: number }>();

  function add(event: T): boolean {
    const { involvedObject: subject } = event;
    const key = keyOf(subject);
    const { name, resourceVersion } = event.metadata;
    const known = bySubject.get(key) ?? { subject, byName: new Map<string, T>(), receivedAt: 0 };
    const held = known.byName.get(name);
    if (held && !isLater(resourceVersion, held.metadata.resourceVersion)) return false;
    known.receivedAt = clock.monotonic();
    known.byName.delete(name); // so that it becomes the last
    known.byName.set(name, event);
    const oldest = known.byName.size > newestOfEach ? known.byName.keys().next().value : undefined;
    if (oldest !== undefined) known.byName.delete(oldest);
    bySubject.set(key, known);
    return true;
  }

  return {
    add,
    about: (subject) =>
      [subject, { ...subject, uid: '' }].flatMap((each) => [...(bySubject.get(keyOf(each))?.byName.values() ?? [])]),
    replace(events) {
      bySubject = new Map();
      const sorted = events.toSorted((a, b) =>
        isLater(a.metadata.resourceVersion, b.metadata.resourceVersion) ? 1 : -1,
      );
      for (const event of sorted) add(event);
    },
    prune(exists) {
      for (const [key, { subject, receivedAt }] of bySubject) {
        if (!exists(subject) && clock.monotonic() - receivedAt > orphanMs) bySubject.delete(key);
      }
    },
  };
}

/** Some controllers report only the name of the object. The readers of such events check their time. */
function keyOf({ uid, name }: Subject): string {
  return uid === '' ? `name ${name}` : uid;
}
