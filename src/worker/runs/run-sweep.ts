/**
 * Finds the runs that the queue has lost, after a crash between row and queue or after a wiped Redis, and gives each a job. The
 * queue ignores runs that have one. Only the watch leader runs it.
 */

import type { Database } from '../../shared/node/db/database.ts';
import { listUnendedRuns } from '../../shared/node/db/runs-repository.ts';
import { createLimitedWarn } from '../../shared/node/log-limit.ts';
import type { Log } from '../../shared/node/log.ts';
import { runPeriodically } from '../../shared/node/periodic.ts';
import type { RunQueue } from '../../shared/node/run-queue.ts';
import type { WorkerMetrics } from '../metrics.ts';

/** A job that was queued in time is not counted as lost. */
const olderThanMs = 2_000;
const intervalMs = 3_000;
const pageSize = 500;

/** Runs until `signal` aborts. Never rejects. */
export function sweepRuns(
  deps: { db: Database; queue: Pick<RunQueue, 'enqueue'>; metrics: Pick<WorkerMetrics, 'corrected'>; log: Log },
  signal: AbortSignal,
): Promise<void> {
  const { db, queue, metrics, log } = deps;
  const warn = createLimitedWarn(log);

  async function sweep(): Promise<void> {
    for (let afterSeq = 0; !signal.aborted;) {
      const runs = await listUnendedRuns(db, { olderThanMs, afterSeq, limit: pageSize });
      for (const { id } of runs) {
        if (signal.aborted) return;
        const queued = await queue.enqueue(id);
        if (queued === 'refused') return; // Redis does not answer now
        if (queued === 'added') metrics.corrected('lost-run');
      }
      if (runs.length < pageSize) return;
      afterSeq = runs.at(-1)?.seq ?? 0;
    }
  }

  return runPeriodically(
    {
      task: sweep,
      intervalMs,
      onError: (error) =>
        warn(String(error), { error: String(error) }, 'the sweep of runs could not read the database; trying again'),
    },
    signal,
  );
}
