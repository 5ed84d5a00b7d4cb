/**
 * One attempt at one project, whoever asks for it: a job of the queue, or the way around a queue that is away. Failures are
 * of three kinds: done already (success), worth another attempt, and for good until somebody retries.
 */

import type { ProjectJob } from '../../../shared/contract/jobs.ts';
import type { Database } from '../../../shared/node/db/database.ts';
import { outageOf } from '../../../shared/node/db/outage.ts';
import { findProject } from '../../../shared/node/db/projects-repository.ts';
import type { Log } from '../../../shared/node/log.ts';
import { backOffMs } from '../../back-off.ts';
import type { KubernetesClient } from '../kube/kubernetes-client.ts';
import { causeOf, KubernetesError } from '../kube/kubernetes-error.ts';
import type { Reconciler } from '../reconcile/reconcile.ts';
import type { StatusWriter } from '../status/status-writer.ts';
import { clusterWideFailures } from './cluster-wide-failures.ts';

export type AttemptOutcome = {
  /** The wish that the attempt was made for; `null` when it could not be read. */
  generation: number | null;
} & (
  | { kind: 'done' }
  /** No attempt was used up; look again after this time. */
  | { kind: 'requeue'; requeueAfterMs: number }
  /** Worth another attempt, not before this time. */
  | { kind: 'retry'; delayMs: number; error: Error }
  /** Shown as an error until somebody retries. */
  | { kind: 'failed'; error: Error }
);

export interface Attempts {
  /**
   * @param options.number counts from 1
   * @throws the signal's reason when it aborts; nothing else
   */
  run(job: ProjectJob, options: { number: number; of: number; log: Log; signal: AbortSignal }): Promise<AttemptOutcome>;
}

/** So that all who wait for the cluster do not come in the same moment. */
const spreadMs = 500;

export function createAttempts(deps: {
  db: Database;
  kubernetes: Pick<KubernetesClient, 'blockedBy'>;
  reconciler: Reconciler;
  writer: StatusWriter;
  random: () => number;
}): Attempts {
  const { db, kubernetes, reconciler, writer, random } = deps;

  return {
    async run({ projectId, requestId }, { number, of, log, signal }) {
      let generation: number | null = null;
      try {
        const record = await findProject(db, projectId);
        generation = record?.generation ?? 0;
        if (!record) return { kind: 'done', generation };
        const closed = kubernetes.blockedBy();
        if (closed) {
          if (record.podErrorCode !== closed.reason) await failed(closed, { generation, failedPermanently: false });
          return { kind: 'requeue', generation, requeueAfterMs: waitOf(closed) };
        }
        const result = await reconciler.reconcile(record, signal, requestId);
        if (result.kind === 'requeue') return { ...result, generation };
        return { kind: 'done', generation };
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        const isOurs = !(error instanceof KubernetesError);
        if (isOurs && (generation === null || outageOf(error))) {
          log.warn({ error: String(error) }, 'the database does not answer; trying again');
          return { kind: 'retry', generation, delayMs: backOffMs(number, random), error: asError(error) };
        }
        const problem = isOurs ? internalError(error, log) : error;
        generation ??= 0; // only the database fails before it is known
        const isLast = number >= of && !clusterWideFailures.has(problem.reason);
        const failedPermanently = problem.kind === 'terminal' || isLast;
        log.warn(
          { error: problem.message, cause: causeOf(problem), status: problem.status, failedPermanently },
          'attempt failed',
        );
        await failed(problem, { generation, failedPermanently }).catch((cause: unknown) =>
          log.warn({ error: String(cause) }, 'the failure of an attempt could not be written'),
        );
        if (failedPermanently) return { kind: 'failed', generation, error: problem };
        if (!problem.sent) return { kind: 'requeue', generation, requeueAfterMs: waitOf(problem) };
        const delayMs = Math.max(problem.retryAfterMs ?? 0, backOffMs(number, random));
        return { kind: 'retry', generation, delayMs, error: problem };
      }

      async function failed(
        problem: KubernetesError,
        facts: { generation: number; failedPermanently: boolean },
      ): Promise<void> {
        const counted = !clusterWideFailures.has(problem.reason);
        await writer.recordFailure(projectId, { ...facts, error: problem, attempt: { number, of, counted } });
      }
    },
  };

  function waitOf(problem: KubernetesError): number {
    return (problem.retryAfterMs ?? 0) + random() * spreadMs;
  }
}

/** A mistake of ours. Its words are for the log alone. */
function internalError(error: unknown, log: Log): KubernetesError {
  log.error({ error: error instanceof Error ? error.stack : String(error) }, 'an attempt failed by a fault of ours');
  return new KubernetesError(
    'transient',
    'internal-error',
    'Something went wrong in the project manager itself. An administrator finds the cause in the log of the worker.',
    { status: 0, cause: error },
  );
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
