/** Takes jobs off the queue, one at a time for a project, makes an attempt at each, and tells BullMQ how it ended. */

import { setTimeout as delay } from 'node:timers/promises';

import { DelayedError, UnrecoverableError, WaitingError, Worker, type Job } from 'bullmq';
import type { Redis } from 'ioredis';

import { projectJobSchema, projectQueueName, type ProjectJob } from '../../../shared/contract/jobs.ts';
import type { Database } from '../../../shared/node/db/database.ts';
import { findProject } from '../../../shared/node/db/projects-repository.ts';
import type { Log } from '../../../shared/node/log.ts';
import { SpanKind, traced } from '../../../shared/node/tracing.ts';
import type { WorkerMetrics } from '../../health.ts';
import type { AfterStep } from '../../step.ts';
import type { AttemptOutcome, Attempts } from './attempts.ts';
import { jobBackOffMs } from './job-back-off.ts';

/** A request to the cluster that is under way ends within ten seconds. */
const cancelMs = 11_000;
/** For Redis to take note of how the last jobs have ended. */
const noteMs = 2_000;

export interface JobConsumer {
  /** Lets running jobs finish for up to `graceMs`, then cancels them; what was cut off is done again elsewhere. */
  close(graceMs: number): Promise<void>;
}

/** What BullMQ is told of an attempt after which another one follows. */
class AttemptFailed extends Error {
  override readonly name = 'AttemptFailed';
  readonly delayMs: number;
  constructor({ error, delayMs }: { error: Error; delayMs: number }) {
    super(error.message, { cause: error });
    this.delayMs = delayMs;
  }
}

/** @param deps.redis a blocking connection, owned by the caller */
export function startJobConsumer(deps: {
  redis: Redis;
  db: Database;
  attempts: Attempts;
  log: Log;
  random: () => number;
  concurrency: number;
  metrics: Pick<WorkerMetrics, 'jobEnded'>;
  afterStep?: AfterStep | undefined;
}): JobConsumer {
  const { redis, db, attempts, log } = deps;
  const running = new Set<Promise<void>>();
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
    await deps.afterStep?.('job-taken');
    const { projectId, requestId, traceparent: parent } = parsed.data;
    const number = job.attemptsMade + 1;
    const jobLog = log.child({ projectId, requestId, job: job.name, attempt: number });
    let outcome: AttemptOutcome;
    try {
      const attributes = { 'opencode.project_id': projectId, 'opencode.attempt': number };
      outcome = await traced(job.name, { kind: SpanKind.CONSUMER, attributes, parent }, () =>
        attempts.run(parsed.data, { number, of: job.opts.attempts ?? 1, log: jobLog, signal }),
      );
    } catch (error) {
      if (!signal.aborted) throw error;
      // Given back as it was taken: no attempt is used up because a worker had to go.
      await job.moveToWait(token);
      throw new WaitingError();
    }
    if (outcome.generation !== null) attemptedGenerations.set(job, outcome.generation);
    switch (outcome.kind) {
      case 'done':
        jobLog.info('reconciled');
        return;
      case 'requeue':
        // Put off without using up an attempt.
        await job.moveToDelayed(Date.now() + outcome.requeueAfterMs, token);
        await hurryIfOutdated(job);
        throw new DelayedError();
      case 'retry':
        throw new AttemptFailed(outcome);
      case 'failed':
        throw new UnrecoverableError(outcome.error.message);
    }
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

  const worker = new Worker<ProjectJob>(projectQueueName, process, {
    connection: redis,
    concurrency: deps.concurrency,
    // A crash of the worker is not the project's fault: it must not use up the attempts.
    maxStalledCount: 1_000,
    maxStartedAttempts: 1_000,
    stalledInterval: 5_000,
    lockDuration: 15_000,
    settings: {
      backoffStrategy: (attemptsMade, _type, error) =>
        error instanceof AttemptFailed ? error.delayMs : jobBackOffMs(attemptsMade, deps.random),
    },
  });
  worker.on('error', (error) => log.debug({ error: error.message }, 'the queue reports an error'));
  worker.on('completed', (job) => deps.metrics.jobEnded(job.name, 'done'));
  worker.on('failed', (job) => {
    if (!job) return;
    deps.metrics.jobEnded(job.name, job.finishedOn === undefined ? 'retry' : 'failed');
    void hurryIfOutdated(job);
  });
  worker.on('lockRenewalFailed', (jobIds) => {
    for (const id of jobIds) worker.cancelJob(id, 'another worker may have taken the job over');
  });

  return {
    async close(graceMs) {
      const closing = worker.close();
      await Promise.race([Promise.allSettled(running), pause(graceMs)]);
      worker.cancelAllJobs('the worker is stopping');
      await Promise.race([Promise.allSettled(running), pause(cancelMs)]);
      // BullMQ still notes how the jobs have ended, and without Redis it would wait for that for ever. A job of which the end
      // was not noted is done again elsewhere when its lock has expired.
      if (redis.status === 'ready') await Promise.race([closing, pause(noteMs)]);
    },
  };
}

async function pause(ms: number): Promise<void> {
  await delay(ms, undefined, { ref: false });
}
