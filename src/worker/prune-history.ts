/**
 * Deletes old history every hour: timeline entries beyond the configured age, starts that are too old to say how long a start
 * usually takes, tasks and configurations of projects that were deleted a week ago, and usage of models of more than 400 days ago. It
 * deletes small batches, so that nobody waits for a lock.
 * Only the watch leader runs it.
 */

import { pruneConfigVersions } from '../shared/node/db/config-repository.ts';
import type { Database } from '../shared/node/db/database.ts';
import { pruneModelUsage } from '../shared/node/db/model-usage-repository.ts';
import { pruneProjectEvents } from '../shared/node/db/project-events-repository.ts';
import { pruneStarts } from '../shared/node/db/project-starts-repository.ts';
import { pruneTasks } from '../shared/node/db/tasks-repository.ts';
import type { Log } from '../shared/node/log.ts';
import { pause, runPeriodically } from '../shared/node/periodic.ts';

const intervalMs = 3_600_000;
const batchSize = 1_000;
/** Other queries run between two batches. */
const betweenBatchesMs = 100;

/** Runs until `signal` aborts. Never rejects. */
export function pruneHistory(
  deps: { db: Database; activityRetentionDays: number; log: Log },
  signal: AbortSignal,
): Promise<void> {
  const { db, activityRetentionDays: olderThanDays, log } = deps;

  async function prune(): Promise<void> {
    const events = await deleteInBatches(() => pruneProjectEvents(db, { olderThanDays, limit: batchSize }), signal);
    const starts = await deleteInBatches(() => pruneStarts(db, { limit: batchSize }), signal);
    const tasks = await deleteInBatches(() => pruneTasks(db, { limit: batchSize }), signal);
    const configs = await deleteInBatches(() => pruneConfigVersions(db, { limit: batchSize }), signal);
    const usage = await deleteInBatches(() => pruneModelUsage(db, { limit: batchSize }), signal);
    const total = events + starts + tasks + configs + usage;
    if (total > 0) log.info({ events, starts, tasks, configs, usage }, 'deleted old history');
  }

  return runPeriodically(
    {
      task: prune,
      intervalMs,
      onError: (error) =>
        log.warn({ error: String(error) }, 'old history could not be deleted; trying again in an hour'),
    },
    signal,
  );
}

async function deleteInBatches(deleteBatch: () => Promise<number>, signal: AbortSignal): Promise<number> {
  let total = 0;
  while (!signal.aborted) {
    const deleted = await deleteBatch();
    total += deleted;
    if (deleted < batchSize) break;
    await pause(betweenBatchesMs, signal);
  }
  return total;
}
