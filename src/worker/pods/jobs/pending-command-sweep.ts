/**
 * The queue only makes things fast. This sweep finds every project whose last wish the cluster has not been told (a
 * crash between row and queue, a wiped Redis, attempts that ran out while nothing answered) and has it looked at. Run by
 * the owner of the watch alone.
 */

import { setTimeout as delay } from 'node:timers/promises';

import type { Database } from '../../../shared/node/db/database.ts';
import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import { findProjects, listPendingProjects } from '../../../shared/node/db/projects-repository.ts';
import type { Log } from '../../../shared/node/log.ts';
import type { WorkerMetrics } from '../../health.ts';
import type { Dispatcher } from './dispatcher.ts';

/** A job is usually done before; interval and age together stay under the five seconds after which a lost job is found. */
const pendingAfterMs = 2_000;
const defaultIntervalMs = 2_000;
const pageSize = 500;

/** Runs until `signal` aborts. Never rejects. */
export async function sweepPendingCommands(
  deps: {
    db: Database;
    dispatcher: Pick<Dispatcher, 'dispatch'>;
    metrics: Pick<WorkerMetrics, 'corrected'>;
    log: Log;
    intervalMs?: number;
  },
  signal: AbortSignal,
): Promise<void> {
  const { db, dispatcher, metrics, log, intervalMs = defaultIntervalMs } = deps;
  /** Where the last page ended, so that a crowd that cannot be helped now does not hide those behind it. */
  let afterSeq = 0;
  while (!signal.aborted) {
    try {
      const pending = await listPendingProjects(db, { olderThanMs: pendingAfterMs, afterSeq, limit: pageSize });
      afterSeq = pending.length < pageSize ? 0 : (pending.at(-1)?.seq ?? 0);
      const added: ProjectRecord[] = [];
      for (const record of pending) {
        if (signal.aborted) return;
        if ((await dispatcher.dispatch(record)) === 'added') added.push(record);
      }
      const found = await countStillPending(db, added);
      if (found > 0) {
        metrics.corrected('lost-job', found);
        log.warn({ projects: found }, 'queued projects whose wish was not met and whose job was lost');
      }
    } catch (error) {
      log.warn({ error: String(error) }, 'the sweep could not read the database; trying again');
    }
    await delay(intervalMs, undefined, { signal }).catch(() => undefined); // an abort ends the wait and the loop
  }
}

/** Without those whose own job has ended between the look at the row and the look at the queue. */
async function countStillPending(db: Database, records: ProjectRecord[]): Promise<number> {
  const generations = new Map(records.map(({ id, generation }) => [id, generation]));
  const present = await findProjects(db, [...generations.keys()]);
  return present.filter(
    ({ id, generation, observedGeneration, failedGeneration }) =>
      generation === generations.get(id) && observedGeneration < generation && failedGeneration !== generation,
  ).length;
}
