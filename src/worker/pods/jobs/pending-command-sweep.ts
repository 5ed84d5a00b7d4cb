/**
 * The sweep finds pending commands that the queue lost: after a crash between row and queue, after a wiped Redis, or when
 * the attempts ran out while nothing answered. It requests a reconcile of each. It also has the jobs attempted that the queue
 * accepted and does not deliver. Only the watch leader runs it.
 */

import type { Database } from '../../../shared/node/db/database.ts';
import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import { findProjects, listPendingProjects } from '../../../shared/node/db/projects-repository.ts';
import { createLimitedWarn } from '../../../shared/node/log-limit.ts';
import type { Log } from '../../../shared/node/log.ts';
import { runPeriodically } from '../../../shared/node/periodic.ts';
import type { WorkerMetrics } from '../../metrics.ts';
import { needsReconcileBySweep } from '../reconcile/needs-reconcile.ts';
import type { Dispatcher } from './dispatcher.ts';

/** Most jobs finish before. This age and the interval together are less than the documented five seconds. */
const pendingAfterMs = 2_000;
const intervalMs = 2_000;
const pageSize = 500;

/** Runs until `signal` aborts. Never rejects. */
export function sweepPendingCommands(
  deps: {
    db: Database;
    dispatcher: Pick<Dispatcher, 'dispatch' | 'attemptUndelivered'>;
    metrics: Pick<WorkerMetrics, 'corrected'>;
    log: Log;
  },
  signal: AbortSignal,
): Promise<void> {
  const { db, dispatcher, metrics, log } = deps;
  const warn = createLimitedWarn(log);
  /** The end of the last page. Each run continues there, so that many stuck projects do not hide the ones after them. */
  let afterSeq = 0;

  async function sweepPage(): Promise<void> {
    const pending = await listPendingProjects(db, { olderThanMs: pendingAfterMs, afterSeq, limit: pageSize });
    afterSeq = pending.length < pageSize ? 0 : (pending.at(-1)?.seq ?? 0);
    const added: ProjectRecord[] = [];
    for (const record of pending) {
      if (signal.aborted) return;
      if ((await dispatcher.dispatch(record)) === 'added') added.push(record);
    }
    await dispatcher.attemptUndelivered();
    const lost = await countStillPending(db, added);
    if (lost === 0) return;
    metrics.corrected('lost-job', lost);
    warn('lost', { projects: lost }, 'queued projects with a pending command whose job was lost');
  }

  return runPeriodically(
    {
      task: sweepPage,
      intervalMs,
      onError: (error) =>
        warn(String(error), { error: String(error) }, 'the sweep could not read the database; trying again'),
    },
    signal,
  );
}

/** Leaves out the projects whose own job ended between the read of the row and the request to the queue. */
async function countStillPending(db: Database, records: ProjectRecord[]): Promise<number> {
  const generations = new Map(records.map(({ id, generation }) => [id, generation]));
  const present = await findProjects(db, [...generations.keys()]);
  return present.filter((record) => record.generation === generations.get(record.id) && needsReconcileBySweep(record))
    .length;
}
