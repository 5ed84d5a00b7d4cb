/** Limits how often a lasting condition is logged. */

import type { Clock } from '../shared/clock.ts';

const everyMs = 60_000;
/** Beyond this, a minute's worth of keys is forgotten, and a few lines come twice. */
const mostKeys = 10_000;

/** Returns a function that says whether a line about `key` is due: at most once a minute for each key. */
export function createOnceAMinute(clock: Pick<Clock, 'monotonic'>): (key: string) => boolean {
  const loggedAt = new Map<string, number>();
  return (key) => {
    const now = clock.monotonic();
    if (now - (loggedAt.get(key) ?? -Infinity) < everyMs) return false;
    if (loggedAt.size >= mostKeys) loggedAt.clear();
    loggedAt.set(key, now);
    return true;
  };
}
