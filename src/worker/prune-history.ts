/**
 * Removes what is too old to keep: lines of the timelines beyond the configured age, and starts that no longer count for
 * what is usual. In small batches, so that nobody waits for a lock, and at most hourly. Run by the owner of the watch alone.
 */

import { setTimeout as delay } from 'node:timers/promises';

import type { Database } from '../shared/node/db/database.ts';
import { pruneProjectEvents } from '../shared/node/db/project-events-repository.ts';
import { pruneStarts } from '../shared/node/db/project-starts-repository.ts';
import type { Log } from '../shared/node/log.ts';

const intervalMs = 3_600_000;
const batch = 1_000;
/** Between two batches: whoever came meanwhile goes first. */
const breathMs = 100;

/** Runs until `signal` aborts. Never rejects. */
export async function pruneHistory(
  deps: { db: Database; activityRetentionDays: number; log: Log },
  signal: AbortSignal,
): Promise<void> {
  const { db, activityRetentionDays: olderThanDays, log } = deps;
  while (!signal.aborted) {
    try {
      const events = await inBatches(() => pruneProjectEvents(db, { olderThanDays, limit: batch }), signal);
      const starts = await inBatches(() => pruneStarts(db, { limit: batch }), signal);
      if (events + starts > 0) log.info({ events, starts }, 'removed what was too old to keep');
    } catch (error) {
      log.warn({ error: String(error) }, 'old history could not be removed; trying again in an hour');
    }
    await pause(intervalMs, signal);
  }
}

async function inBatches(remove: () => Promise<number>, signal: AbortSignal): Promise<number> {
  let total = 0;
  while (!signal.aborted) {
    const removed = await remove();
    total += removed;
    if (removed < batch) break;
    await pause(breathMs, signal);
  }
  return total;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined); // an abort ends the wait; callers look at the signal
}
