/**
 * One attempt at one project, for a job of the queue or without the queue. It reports how the attempt ended: done, to be
 * requeued, to be retried, or failed permanently.
 */

import type { ProjectJob } from '../../../shared/contract/jobs.ts';
import type { Database } from '../../../shared/node/db/database.ts';
import { outageOf } from '../../../shared/node/db/outage.ts';
import { beginAttempt, endAttempt, endAttemptLate } from '../../../shared/node/db/project-attempts-repository.ts';
import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import { findProject } from '../../../shared/node/db/projects-repository.ts';
import type { Log } from '../../../shared/node/log.ts';
import { createAttemptEnds } from '../../attempt-ends.ts';
import { clusterWideFailures, refusalsOfWorker } from '../cluster-wide-failures.ts';
import type { KubernetesClient } from '../kube/kubernetes-client.ts';
import { causeOf, KubernetesError } from '../kube/kubernetes-error.ts';
import type { Reconciler } from '../reconcile/reconcile.ts';
import type { StatusWriter } from '../status/status-writer.ts';
import { jobBackOffMs } from './job-back-off.ts';

export type AttemptOutcome = {
  /** The generation that the attempt was made for; `null` when the row could not be read. */
  generation: number | null;
} & (
  | { kind: 'done' }
  /** No attempt was used up. Reconcile again after this time. */
  | { kind: 'requeue'; requeueAfterMs: number }
  /** Another attempt may help, but not before this time. */
  | { kind: 'retry'; delayMs: number; error: Error }
  /** Shown as an error until somebody retries. */
  | { kind: 'failed'; error: Error }
);

interface AttemptOptions {
  /** Counted from 1. */
  number: number;
  of: number;
  log: Log;
  signal: AbortSignal;
}

export interface Attempts {
  /** @throws the signal's reason when it aborts; nothing else */
  run(job: ProjectJob, options: AttemptOptions): Promise<AttemptOutcome>;
}

interface AttemptsDeps {
  db: Database;
  kubernetes: Pick<KubernetesClient, 'blockedBy'>;
  reconciler: Reconciler;
  writer: StatusWriter;
  random: () => number;
  /** The shortest delay after the cluster refused the worker itself. The longest is twice as long. */
  refusedRetryMs?: number | undefined;
}

/** A random part of every delay, so that the projects that wait for the cluster do not all come at the same moment. */
const spreadMs = 500;
/** An outage of the database is logged once in this time. */
const outageLogMs = 60_000;
const defaultRefusedRetryMs = 30_000;
/**
 * So many attempts in a row may end with the death of their worker. The first deaths prove nothing: the worker made attempts at
 * other projects at the same time. Later attempts are made one at a time, so they are about this project.
 */
const mostUnfinished = 4;
const mostUnfinishedTogether = 1;

/** `wait`: several earlier attempts did not end, and this worker makes such an attempt already. */
type Begun = { kind: 'begun'; record: ProjectRecord; isIsolated: boolean } | { kind: 'wait' } | { kind: 'missing' };

export function createAttempts(deps: AttemptsDeps): Attempts {
  let outageLoggedAtMs = -Infinity;
  /** The project whose earlier attempts did not end, and at which this worker makes an attempt now. */
  let isolated: string | null = null;
  const ends = createAttemptEnds({
    now: (ended) => endAttempt(deps.db, ended),
    late: (ended) => endAttemptLate(deps.db, ended),
  });

  async function begin(id: string): Promise<Begun> {
    const record = await beginAttempt(deps.db, { id, mostUnfinished: mostUnfinishedTogether });
    if (record) return { kind: 'begun', record, isIsolated: false };
    if (isolated !== null) return { kind: 'wait' };
    isolated = id;
    let again: ProjectRecord | null = null;
    try {
      again = await beginAttempt(deps.db, { id });
    } finally {
      if (!again) isolated = null;
    }
    return again ? { kind: 'begun', record: again, isIsolated: true } : { kind: 'missing' };
  }

  async function end(record: ProjectRecord, log: Log): Promise<void> {
    const error = await ends.record(record);
    if (error) log.debug({ error }, 'the end of an attempt could not be recorded yet');
  }

  return {
    async run(job, options) {
      const { projectId } = job;
      const { number, log, signal } = options;
      let record: ProjectRecord | null = null;
      let isIsolated = false;
      try {
        const blocked = deps.kubernetes.blockedBy();
        if (blocked) return await requeueBlocked(deps, projectId, { blocked, options });
        await ends.recordMissed();
        const begun = await begin(projectId);
        if (begun.kind === 'missing') return { kind: 'done', generation: 0 };
        if (begun.kind === 'wait')
          return { kind: 'requeue', generation: null, requeueAfterMs: spreadMs * (1 + deps.random()) };
        ({ record, isIsolated } = begun);
        const { generation } = record;
        if (record.unfinishedAttempts > mostUnfinished) {
          return await handleFailure(deps, record, { error: endsWorkers(), options });
        }
        const result = await deps.reconciler.reconcile(record, signal, job.requestId);
        return { ...result, generation };
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        const isClusterError = error instanceof KubernetesError;
        // The row is unknown only when the database failed.
        if (record === null || (!isClusterError && outageOf(error))) {
          // During an outage every attempt ends here.
          if (performance.now() - outageLoggedAtMs > outageLogMs) {
            outageLoggedAtMs = performance.now();
            log.warn({ error: String(error) }, 'the database does not answer; trying again');
          }
          const generation = record?.generation ?? null;
          return { kind: 'retry', generation, delayMs: jobBackOffMs(number, deps.random), error: asError(error) };
        }
        const problem = isClusterError ? error : internalError(error, log);
        return await handleFailure(deps, record, { error: problem, options });
      } finally {
        if (record) await end(record, log);
        if (isIsolated) isolated = null;
      }
    },
  };
}

/** Without a request to the cluster, and without using up an attempt. */
async function requeueBlocked(
  deps: AttemptsDeps,
  projectId: string,
  { blocked, options }: { blocked: KubernetesError; options: AttemptOptions },
): Promise<AttemptOutcome> {
  const record = await findProject(deps.db, projectId);
  if (!record) return { kind: 'done', generation: 0 };
  if (record.podErrorCode !== blocked.reason) {
    await recordFailure(deps, record, { error: blocked, failedPermanently: false, options });
  }
  return { kind: 'requeue', generation: record.generation, requeueAfterMs: requeueAfterMs(blocked, deps.random) };
}

/** Each attempt ended together with its worker. Another one would only take the next worker away from all projects. */
function endsWorkers(): KubernetesError {
  return new KubernetesError(
    'terminal',
    'internal-error',
    `The last ${mostUnfinished} attempts did not end: each time, the worker itself ended or stopped answering.`,
    {
      status: 0,
      nextStep: 'An administrator must find the cause in the log of the workers. Then retry.',
    },
  );
}

async function handleFailure(
  deps: AttemptsDeps,
  record: ProjectRecord,
  { error, options }: { error: KubernetesError; options: AttemptOptions },
): Promise<AttemptOutcome> {
  const { number, of, log } = options;
  const { generation } = record;
  const isLast = number >= of && !clusterWideFailures.has(error.reason);
  const failedPermanently = error.kind === 'terminal' || isLast;
  log.warn({ error: error.message, cause: causeOf(error), status: error.status, failedPermanently }, 'attempt failed');
  await recordFailure(deps, record, { error, failedPermanently, options }).catch((cause: unknown) =>
    log.warn({ error: String(cause) }, 'the failure of an attempt could not be written'),
  );
  if (failedPermanently) return { kind: 'failed', generation, error };
  if (refusalsOfWorker.has(error.reason)) {
    const { random, refusedRetryMs = defaultRefusedRetryMs } = deps;
    return { kind: 'requeue', generation, requeueAfterMs: refusedRetryMs * (1 + random()) };
  }
  if (!error.sent) return { kind: 'requeue', generation, requeueAfterMs: requeueAfterMs(error, deps.random) };
  const delayMs = Math.max(error.retryAfterMs ?? 0, jobBackOffMs(number, deps.random));
  return { kind: 'retry', generation, delayMs, error };
}

function recordFailure(
  { writer }: AttemptsDeps,
  record: ProjectRecord,
  failure: { error: KubernetesError; failedPermanently: boolean; options: AttemptOptions },
): Promise<void> {
  const { error, failedPermanently, options } = failure;
  const { generation } = record;
  const hasLimit = !clusterWideFailures.has(error.reason);
  const attempt = hasLimit ? { number: options.number, of: options.of } : null;
  return writer.recordFailure(record, { generation, error, failedPermanently, attempt });
}

function requeueAfterMs({ retryAfterMs }: KubernetesError, random: () => number): number {
  return (retryAfterMs ?? 0) + random() * spreadMs;
}

/** A bug of this program. Its details are for the log alone. */
function internalError(error: unknown, log: Log): KubernetesError {
  log.error({ error: error instanceof Error ? error.stack : String(error) }, 'an attempt failed because of a bug');
  return new KubernetesError(
    'transient',
    'internal-error',
    'Something went wrong in the project manager itself. An administrator can find the cause in the log of the worker.',
    { status: 0, cause: error },
  );
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
