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
  /** Adds what a list contains. Events that it lacks stay for as long as the cluster keeps events: a list may be incomplete. */
  merge(events: T[]): void;
  /** Returns whether the event carried new information. */
  add(event: T): boolean;
  /** Drops events that the cluster has forgotten, and those about objects that do not exist, when none was received for a minute. */
  prune(exists: (subject: Subject) => boolean): void;
}

/** Enough for three containers that pull, fail and retry. Older events of the same object add nothing. */
const newestOfEach = 20;
/** An event may arrive before its object, but never this much earlier. */
const orphanMs = 60_000;
/** A cluster forgets an event an hour after its last change (`--event-ttl`). */
const forgottenMs = 3_600_000;

interface Received<T> {
  event: T;
  /** When this version of the event was received first, on the monotonic clock. */
  receivedAt: number;
}

export function createEventCache<T extends CachedEvent>({ clock }: { clock: Clock }): EventCache<T> {
  let bySubject = new Map<string, { subject: Subject; byName: Map<string, Received<T>> }>();

  function put(received: Received<T>): void {
    const { involvedObject: subject, metadata } = received.event;
    const key = keyOf(subject);
    const { byName } = bySubject.get(key) ?? { byName: new Map<string, Received<T>>() };
    byName.delete(metadata.name); // so that it becomes the last
    byName.set(metadata.name, received);
    const oldest = byName.size > newestOfEach ? byName.keys().next().value : undefined;
    if (oldest !== undefined) byName.delete(oldest);
    bySubject.set(key, { subject, byName });
  }

  function held({ involvedObject, metadata }: CachedEvent): Received<T> | undefined {
    return bySubject.get(keyOf(involvedObject))?.byName.get(metadata.name);
  }

  return {
    add(event) {
      const known = held(event);
      if (known && !isLater(event.metadata.resourceVersion, known.event.metadata.resourceVersion)) return false;
      put({ event, receivedAt: clock.monotonic() });
      return true;
    },
    about: (subject) =>
      [subject, { ...subject, uid: '' }].flatMap((each) =>
        [...(bySubject.get(keyOf(each))?.byName.values() ?? [])].map(({ event }) => event),
      ),
    merge(events) {
      const nowMs = clock.monotonic();
      const listed = events.map((event): Received<T> => {
        const known = held(event);
        const isSame = known?.event.metadata.resourceVersion === event.metadata.resourceVersion;
        return { event, receivedAt: isSame ? known.receivedAt : nowMs };
      });
      const names = new Set(events.map(({ metadata }) => metadata.name));
      const missing = [...bySubject.values()]
        .flatMap(({ byName }) => [...byName.values()])
        .filter(({ event }) => !names.has(event.metadata.name));
      bySubject = new Map();
      const sorted = [...missing, ...listed].toSorted((a, b) =>
        isLater(a.event.metadata.resourceVersion, b.event.metadata.resourceVersion) ? 1 : -1,
      );
      for (const received of sorted) put(received);
    },
    prune(exists) {
      const nowMs = clock.monotonic();
      for (const [key, { subject, byName }] of bySubject) {
        const keptMs = exists(subject) ? forgottenMs : orphanMs;
        const isRecent = [...byName.values()].some(({ receivedAt }) => nowMs - receivedAt <= keptMs);
        if (!isRecent) bySubject.delete(key);
        for (const [name, { receivedAt }] of byName) if (nowMs - receivedAt > forgottenMs) byName.delete(name);
      }
    },
  };
}

/** Some controllers report only the name of the object. The readers of such events check their time. */
function keyOf({ uid, name }: Subject): string {
  return uid === '' ? `name ${name}` : uid;
}
