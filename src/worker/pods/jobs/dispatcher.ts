/**
 * Requests reconciles of projects: by a job of the queue or, while Redis refuses jobs or does not deliver them, by attempts in
 * this process. The queue makes reconciles fast and distributes them; the desired state never depends on it.
 */

import type { Clock } from '../../../shared/clock.ts';
import { projectJobNameFor } from '../../../shared/contract/jobs.ts';
import type { Database } from '../../../shared/node/db/database.ts';
import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import { findProjects } from '../../../shared/node/db/projects-repository.ts';
import { createLimitedWarn } from '../../../shared/node/log-limit.ts';
import type { Log } from '../../../shared/node/log.ts';
import type { Enqueued, ProjectQueue } from '../../../shared/node/project-queue.ts';
import type { WorkerMetrics } from '../../metrics.ts';
import type { Attempts } from './attempts.ts';
import { decideOnAccepted, type AcceptedJob, type LocalAttempt } from './local-attempts.ts';
import { createLocalQueue } from './local-queue.ts';

type Requested = Pick<ProjectRecord, 'id' | 'generation' | 'desiredState' | 'attempt'>;

export interface Dispatcher {
  /** Requests a reconcile of a project. `refused`: the queue refused the job, so this process makes the attempts. */
  dispatch(record: Requested): Promise<Enqueued>;
  /**
   * Makes attempts at the projects whose jobs the queue has accepted and does not deliver. Call it every few seconds.
   * @throws when the database does not answer
   */
  attemptUndelivered(): Promise<void>;
  /** Another worker is responsible now. This process makes no further attempts until the next `dispatch`. */
  handOver(): void;
  /** Waits for the running attempts and starts no others. */
  stop(): Promise<void>;
}

interface DispatcherDeps {
  db: Database;
  queue: Pick<ProjectQueue, 'enqueue'>;
  attempts: Attempts;
  /** Whether jobs may wait: this process takes jobs, or the cluster must not be asked. */
  jobsMayWait: () => boolean;
  metrics: Pick<WorkerMetrics, 'jobEnded'>;
  log: Log;
  concurrency: number;
  clock: Clock;
}

/** After a refusal Redis is not tried for this time, because each try may take a second. */
const refusalMs = 2_000;

export function createDispatcher(deps: DispatcherDeps): Dispatcher {
  const { queue, clock } = deps;
  const accepted = new Map<string, AcceptedJob>();
  let refusedAt = -Infinity;
  let isResponsible = false;
  const warn = createLimitedWarn(deps.log);
  const local = createLocalQueue({ ...deps, offerToQueue });

  async function offerToQueue({ id, desiredState }: LocalAttempt['project']): Promise<Enqueued> {
    if (clock.monotonic() - refusedAt <= refusalMs) return 'refused';
    // Without hurry: an event must not shorten a back-off, or a delay that the cluster requested.
    const queued = await queue.enqueue(projectJobNameFor(desiredState), { projectId: id }, { hurry: false });
    if (queued === 'refused') refusedAt = clock.monotonic();
    return queued;
  }

  /** Remembers a job that the queue has accepted, until an attempt has begun. `false` if the job had its time already. */
  function giveTime({ id, attempt }: Requested, queued: Exclude<Enqueued, 'refused'>): boolean {
    const known = accepted.get(id);
    const isDelayed = queued === 'delayed';
    // The time of a job begins when its back-off has ended.
    const isSame = known?.attempt === attempt && !known.isDelayed && !isDelayed;
    // A job that was lost gets its time again, but only once: another program may take the jobs away.
    const wasLost = isSame && queued === 'added';
    if (isSame && !(wasLost && !known.wasLost)) return false;
    accepted.set(id, { attempt, acceptedAtMs: clock.monotonic(), wasLost, isDelayed });
    return true;
  }

  async function attemptIfUndelivered(id: string, job: AcceptedJob, record: ProjectRecord | undefined): Promise<void> {
    const verdict = decideOnAccepted(job, record, clock.monotonic());
    if (verdict === 'wait') return;
    const queued = verdict === 'overdue' && record ? await offerToQueue(record) : null;
    if (record && queued !== null && queued !== 'refused' && giveTime(record, queued)) return;
    accepted.delete(id);
    if (!record || queued === null || !isResponsible) return;
    warn('undelivered', { projectId: id }, 'the queue does not deliver jobs; this worker makes the attempts itself');
    local.request(record, { isUndelivered: queued !== 'refused' });
  }

  return {
    async dispatch(project) {
      isResponsible = true;
      const queued = await offerToQueue(project);
      if (queued !== 'refused' && local.handBack(project.id, queued)) giveTime(project, queued);
      else if (isResponsible) local.request(project, { isUndelivered: queued !== 'refused' });
      return queued;
    },
    async attemptUndelivered() {
      if (deps.jobsMayWait()) {
        for (const job of accepted.values()) job.acceptedAtMs = clock.monotonic();
        return;
      }
      if (accepted.size === 0) return;
      const jobs = [...accepted];
      const records = await findProjects(
        deps.db,
        jobs.map(([id]) => id),
      );
      const byId = new Map(records.map((record) => [record.id, record]));
      for (const [id, job] of jobs) await attemptIfUndelivered(id, job, byId.get(id));
    },
    handOver() {
      isResponsible = false;
      accepted.clear();
      local.forgetAll();
    },
    stop: () => local.stop(),
  };
}
