/**
 * One attempt at one project, for a job of the queue or without the queue. It reports how the attempt ended: done, to be
 * requeued, to be retried, or failed permanently.
 */

import type { ProjectJob } from '../../../shared/contract/jobs.ts';
import type { Database } from '../../../shared/node/db/database.ts';
import { outageOf } from '../../../shared/node/db/outage.ts';
import { findProject } from '../../../shared/node/db/projects-repository.ts';
import type { Log } from '../../../shared/node/log.ts';
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
const defaultRefusedRetryMs = 30_000;

export function createAttempts(deps: AttemptsDeps): Attempts {
  return {
    async run(job, options) {
      const { number, log, signal } = options;
      let generation: number | null = null;
      try {
        const record = await findProject(deps.db, job.projectId);
        generation = record?.generation ?? 0;
        if (!record) return { kind: 'done', generation };
        const blocked = deps.kubernetes.blockedBy();
        if (blocked) {
          if (record.podErrorCode !== blocked.reason) {
            await recordFailure(deps, job, { generation, error: blocked, failedPermanently: false, options });
          }
          return { kind: 'requeue', generation, requeueAfterMs: requeueAfterMs(blocked, deps.random) };
        }
        const result = await deps.reconciler.reconcile(record, signal, job.requestId);
        return { ...result, generation };
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        const isClusterError = error instanceof KubernetesError;
        // The row is unknown only when the database failed.
        if (!isClusterError && (generation === null || outageOf(error))) {
          log.warn({ error: String(error) }, 'the database does not answer; trying again');
          return { kind: 'retry', generation, delayMs: jobBackOffMs(number, deps.random), error: asError(error) };
        }
        const problem = isClusterError ? error : internalError(error, log);
        return handleFailure(deps, job, { generation: generation ?? 0, error: problem, options });
      }
    },
  };
}

async function handleFailure(
  deps: AttemptsDeps,
  job: ProjectJob,
  { generation, error, options }: { generation: number; error: KubernetesError; options: AttemptOptions },
): Promise<AttemptOutcome> {
  const { number, of, log } = options;
  const isLast = number >= of && !clusterWideFailures.has(error.reason);
  const failedPermanently = error.kind === 'terminal' || isLast;
  log.warn({ error: error.message, cause: causeOf(error), status: error.status, failedPermanently }, 'attempt failed');
  await recordFailure(deps, job, { generation, error, failedPermanently, options }).catch((cause: unknown) =>
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
  { projectId }: ProjectJob,
  failure: { generation: number; error: KubernetesError; failedPermanently: boolean; options: AttemptOptions },
): Promise<void> {
  const { generation, error, failedPermanently, options } = failure;
  const hasLimit = !clusterWideFailures.has(error.reason);
  const attempt = hasLimit ? { number: options.number, of: options.of } : null;
  return writer.recordFailure(projectId, { generation, error, failedPermanently, attempt });
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
