/** Deletes old Event objects, as a real cluster does after an hour. */

import type { Clock } from '../../../shared/clock.ts';
import { textAt } from './kube-object.ts';
import { storeKeyOf } from './resource-definition.ts';
import { definitionOf } from './resources.ts';
import type { Store } from './store.ts';

const intervalMs = 60_000;

/** Returns a function that stops it. */
export function expireEvents({ store, clock, lifetimeMs }: { store: Store; clock: Clock; lifetimeMs: number }) {
  const key = storeKeyOf(definitionOf('events'));
  const timer = setInterval(() => {
    for (const event of store.list(key)) {
      const lastUsedMs = Date.parse(textAt(event, 'lastTimestamp') || event.metadata.creationTimestamp);
      if (lastUsedMs < clock.now() - lifetimeMs) store.remove(key, event);
    }
  }, intervalMs);
  timer.unref();
  return (): void => clearInterval(timer);
}
