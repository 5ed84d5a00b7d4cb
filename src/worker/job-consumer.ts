/**
 * Takes jobs off the queue, one at a time for a project, and reconciles. Failures are of three kinds: done already
 * (success), worth another attempt (thrown), for good (`UnrecoverableError`).
 */
import { setTimeout as delay } from 'node:timers/promises';

import { DelayedError, UnrecoverableError, WaitingError, Worker, type Job } from 'bullmq';
import type { Redis } from 'ioredis';

import { projectJobSchema, projectQueueName, type ProjectJob } from '../shared/contract/jobs.ts';
import type { Database } from '../shared/node/db/database.ts';
import { findProject } from '../shared/node/db/projects-repository.ts';
import type { Log } from '../shared/node/log.ts';
import type { WorkerMetrics } from './health.ts';
import { causeOf, toKubernetesError, KubernetesError } from './kube/kubernetes-error.ts';
import type { Reconciler, ReconcileResult } from './reconcile/reconcile.ts';
import type { StatusWriter } from './status-writer.ts';

const firstBackOffMs = 500;
const longestBackOffMs = 15_000;
/** A request to the cluster that is under way ends within ten seconds. */
const cancelMs = 11_000;

/** Full jitter over an exponential step: many projects that failed together do not come back together. */
export function backOffMs(attempt: number, random: () => number): number {
  const step = Math.min(firstBackOffMs * 2 ** (attempt - 1), longestBackOffMs);
  return Math.round(step / 2 + (random() * step) / 2);
}

export interface JobConsumer {
  /** Lets running jobs finish for up to `graceMs`, then cancels them; what was cut off is done again elsewhere. */
  close(graceMs: number): Promise<void>;
}

/** @param redis a blocking connection, owned by the caller */
export function startJobConsumer(deps: {
  redis: Redis;
  db: Database;
  reconciler: Reconciler;
  writer: StatusWriter;
  log: Log;
  random: () => number;
  concurrency: number;
  metrics: Pick<WorkerMetrics, 'jobEnded'>;
}): JobConsumer {
  const { redis, db, reconciler, writer, log } = deps;
  const running = new Set<Promise<void>>();
  /** The cluster has asked for silence until then, by Retry-After. Milliseconds since the epoch. */
  let quietUntil = 0;
  /** The wish that each attempt was made for. */
  const attemptedGenerations = new WeakMap<Job, number>();

  /** The three parameters are how BullMQ knows that it can be cancelled. */
  async function process(job: Job<ProjectJob>, token?: string, signal?: AbortSignal): Promise<void> {
    const attempt = attemptOnce(job, token, signal ?? new AbortController().signal);
    running.add(attempt);
    await attempt.finally(() => running.delete(attempt));
  }

  async function attemptOnce(job: Job<ProjectJob>, token: string | undefined, signal: AbortSignal): Promise<void> {
    const parsed = projectJobSchema.safeParse(job.data);
    if (!parsed.success) throw new UnrecoverableError('The job names no project.');
    const { projectId, requestId } = parsed.data;
    const jobLog = log.child({ projectId, requestId, job: job.name, attempt: job.attemptsMade + 1 });
    if (Date.now() < quietUntil) return postpone(job, quietUntil, token);
    const generation = (await findProject(db, projectId))?.generation ?? 0;
    attemptedGenerations.set(job, generation);
    let result: ReconcileResult;
    try {
      result = await reconciler.reconcile(projectId, signal);
    } catch (error) {
      if (signal.aborted) {
        // Given back as it was taken: no attempt is used up because a worker had to go.
        await job.moveToWait(token);
        throw new WaitingError();
      }
      if (error instanceof KubernetesError) await fail(job, { projectId, generation, error, jobLog });
      throw error;
    }
    if (result.kind === 'later') await postpone(job, Date.now() + result.delayMs, token);
    jobLog.info('reconciled');
  }

  /** Puts the running job off without using up an attempt. Always throws, as BullMQ wants it. */
  async function postpone(job: Job<ProjectJob>, untilMs: number, token: string | undefined): Promise<never> {
    await job.moveToDelayed(untilMs, token);
    await hurryIfOutdated(job);
    throw new DelayedError();
  }

  /**
   * A wish that came while the job ran could not call it, for it was not waiting yet; it must not wait for a back-off
   * that was meant for the wish before. What comes from now on finds the job waiting and calls it itself.
   */
  async function hurryIfOutdated(job: Job<ProjectJob>): Promise<void> {
    const attempted = attemptedGenerations.get(job);
    if (attempted === undefined) return;
    try {
      const record = await findProject(db, job.data.projectId);
      if (record && record.generation !== attempted && (await job.isDelayed())) await job.promote();
    } catch (error) {
      log.debug({ error: String(error) }, 'a waiting job could not be called; it comes by itself');
    }
  }

  async function fail(
    job: Job<ProjectJob>,
    failure: { projectId: string; generation: number; error: KubernetesError; jobLog: Log },
  ): Promise<void> {
    const { projectId, generation, error, jobLog } = failure;
    const attempts = job.opts.attempts ?? 1;
    const made = job.attemptsMade + 1;
    const terminal = error.kind === 'terminal';
    if (error.retryAfterMs !== null) quietUntil = Math.max(quietUntil, Date.now() + error.retryAfterMs);
    // A cluster that does not answer is nobody's mistake: the sweep goes on asking after the last attempt.
    const parked = terminal || (made >= attempts && error.reason !== 'cluster-unreachable');
    jobLog.warn({ error: error.message, cause: causeOf(error), status: error.status, parked }, 'attempt failed');
    const attempt =
      error.reason === 'cluster-unreachable'
        ? 'Your project is saved; it goes on by itself as soon as the cluster answers.'
        : `Attempt ${made} of ${attempts}; the next one follows by itself.`;
    await writer.failed(projectId, { generation, error, parked, attempt });
    if (terminal) throw new UnrecoverableError(error.message);
  }

  const worker = new Worker<ProjectJob>(projectQueueName, process, {
    connection: redis,
    concurrency: deps.concurrency,
    // A crash of the worker is not the project's fault: it must not use up the attempts.
    maxStalledCount: 1_000,
    maxStartedAttempts: 1_000,
    stalledInterval: 5_000,
    lockDuration: 15_000,
    settings: {
      backoffStrategy: (attemptsMade, _type, error) => {
        const wait = error ? toKubernetesError(error).retryAfterMs : null;
        return Math.max(wait ?? 0, backOffMs(attemptsMade, deps.random));
      },
    },
  });
  worker.on('error', (error) => log.debug({ error: error.message }, 'the queue reports an error'));
  worker.on('completed', (job) => deps.metrics.jobEnded(job.name, 'done'));
  worker.on('failed', (job) => {
    if (!job) return;
    deps.metrics.jobEnded(job.name, job.finishedOn === undefined ? 'again' : 'failed');
    void hurryIfOutdated(job);
  });
  worker.on('lockRenewalFailed', (jobIds) => {
    for (const id of jobIds) worker.cancelJob(id, 'another worker may have taken the job over');
  });

  return {
    async close(graceMs) {
      const closing = worker.close();
      // Without Redis the end of a job cannot be noted and BullMQ waits for ever. Its lock expires; others take it over.
      const settled = async () => {
        await Promise.allSettled(running);
        if (redis.status === 'ready') await closing;
      };
      await Promise.race([settled(), pause(graceMs)]);
      worker.cancelAllJobs('the worker is stopping');
      await Promise.race([settled(), pause(cancelMs)]);
    },
  };
}

async function pause(ms: number): Promise<void> {
  await delay(ms, undefined, { ref: false });
}
