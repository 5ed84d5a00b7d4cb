/** Takes jobs from the queue, one at a time for each project, makes an attempt at each, and reports the outcome to BullMQ. */

import { setTimeout as delay } from 'node:timers/promises';

import { DelayedError, UnrecoverableError, WaitingError, Worker, type Job } from 'bullmq';
import type { Redis } from 'ioredis';

import { projectJobSchema, projectQueueName, type ProjectJob } from '../../../shared/contract/jobs.ts';
import type { Database } from '../../../shared/node/db/database.ts';
import { findProject } from '../../../shared/node/db/projects-repository.ts';
import type { Log } from '../../../shared/node/log.ts';
import { SpanKind, traced } from '../../../shared/node/tracing.ts';
import type { WorkerMetrics } from '../../metrics.ts';
import type { AttemptOutcome, Attempts } from './attempts.ts';
import { jobBackOffMs } from './job-back-off.ts';

/** A running request to the cluster ends within ten seconds. */
const cancelMs = 11_000;
/** The time that Redis has to record how the last jobs ended. */
const recordMs = 2_000;

export interface JobConsumer {
  /** Whether this worker has taken a job since the last call, or works at as many as it may. */
  isConsuming(): boolean;
  /** Waits up to `graceMs` for the running jobs, then cancels them. Another worker runs the cancelled jobs again. */
  close(graceMs: number): Promise<void>;
}

/** Reports to BullMQ that another attempt follows. */
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
}): JobConsumer {
  const { redis, db, attempts, log } = deps;
  const running = new Set<Promise<void>>();
  let hasTakenJob = false;
  /** The generation that each attempt was made for. */
  const attemptedGenerations = new WeakMap<Job, number>();

  /** BullMQ can cancel a processor only when it has all three parameters. */
  async function process(job: Job<ProjectJob>, token?: string, signal?: AbortSignal): Promise<void> {
    const attempt = attemptOnce(job, token, signal ?? new AbortController().signal);
    running.add(attempt);
    hasTakenJob = true;
    await attempt.finally(() => running.delete(attempt));
  }

  async function attemptOnce(job: Job<ProjectJob>, token: string | undefined, signal: AbortSignal): Promise<void> {
    const parsed = projectJobSchema.safeParse(job.data);
    if (!parsed.success) throw new UnrecoverableError('The job names no project.');
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
      // The job returns to the queue unchanged: the stop of a worker must not use up an attempt.
      await job.moveToWait(token);
      throw new WaitingError();
    }
    if (outcome.generation !== null) attemptedGenerations.set(job, outcome.generation);
    switch (outcome.kind) {
      case 'done':
        jobLog.info('reconciled');
        return;
      case 'requeue':
        // Delayed without using up an attempt.
        await job.moveToDelayed(Date.now() + outcome.requeueAfterMs, token);
        await promoteIfOutdated(job);
        throw new DelayedError();
      case 'retry':
        throw new AttemptFailed(outcome);
      case 'failed':
        throw new UnrecoverableError(outcome.error.message);
    }
  }

  /**
   * Starts a delayed job immediately when a newer command came during its attempt: the new command must not wait for a
   * back-off of the old one. The producer could not promote the job, because it was not delayed yet. Later commands find
   * it delayed and promote it themselves.
   */
  async function promoteIfOutdated(job: Job<ProjectJob>): Promise<void> {
    const attempted = attemptedGenerations.get(job);
    if (attempted === undefined) return;
    try {
      const record = await findProject(db, job.data.projectId);
      if (record && record.generation !== attempted && (await job.isDelayed())) await job.promote();
    } catch (error) {
      log.debug({ error: String(error) }, 'a delayed job could not be promoted; it starts after its delay');
    }
  }

  const worker = new Worker<ProjectJob>(projectQueueName, process, {
    connection: redis,
    // The library would ask Redis for its version, and spin for ever if the user has no right to ask.
    skipVersionCheck: true,
    concurrency: deps.concurrency,
    // A crash of the worker is not the fault of the project, so it must not use up the attempts.
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
    void promoteIfOutdated(job);
  });
  worker.on('lockRenewalFailed', (jobIds) => {
    for (const id of jobIds) worker.cancelJob(id, 'another worker may have taken the job over');
  });

  return {
    isConsuming() {
      const isConsuming = hasTakenJob || running.size >= deps.concurrency;
      hasTakenJob = false;
      return isConsuming;
    },
    async close(graceMs) {
      const closing = worker.close();
      await Promise.race([Promise.allSettled(running), unrefDelay(graceMs)]);
      worker.cancelAllJobs('the worker is stopping');
      await Promise.race([Promise.allSettled(running), unrefDelay(cancelMs)]);
      // BullMQ still records how the jobs ended, and without Redis it would wait for ever. Another worker runs a job
      // whose end was not recorded again when its lock has expired.
      if (redis.status === 'ready') await Promise.race([closing, unrefDelay(recordMs)]);
    },
  };
}

async function unrefDelay(ms: number): Promise<void> {
  await delay(ms, undefined, { ref: false });
}
