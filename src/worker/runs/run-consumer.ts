/** Takes the jobs of the queue of runs. Each job follows one run until it ends. A crashed worker's job is taken over. */

import { hostname } from 'node:os';
import { pid } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';

import { DelayedError, UnrecoverableError, WaitingError, Worker, type Job } from 'bullmq';
import type { Redis } from 'ioredis';

import { backOffMs } from '../../shared/back-off.ts';
import { runJobSchema, runQueueName, type RunJob } from '../../shared/contract/jobs.ts';
import { outageOf } from '../../shared/node/db/outage.ts';
import { createLimitedWarn } from '../../shared/node/log-limit.ts';
import type { Log } from '../../shared/node/log.ts';
import type { Runner } from './runner.ts';

/** The runs that one worker follows at the same time. */
const concurrency = 100;
const outageBackOff = { firstMs: 500, longestMs: 5_000 };
/** The requests of a run that was cancelled end within this time. */
const cancelMs = 5_000;
/** The time that Redis has to record how the last jobs ended. */
const recordMs = 2_000;

export interface RunConsumer {
  /** Returns the running jobs to the queue: other workers continue to follow their runs. */
  close(): Promise<void>;
}

/** How fast the job of a crashed worker is taken over. */
export interface TakeoverTimes {
  lockMs: number;
  stalledCheckMs: number;
}

const defaultTakeover: TakeoverTimes = { lockMs: 15_000, stalledCheckMs: 5_000 };

/** @param deps.redis a blocking connection, owned by the caller */
export function startRunConsumer(deps: {
  redis: Redis;
  runner: Runner;
  log: Log;
  random: () => number;
  takeover?: TakeoverTimes | undefined;
}): RunConsumer {
  const { redis, runner, log, random, takeover = defaultTakeover } = deps;
  const warn = createLimitedWarn(log);
  const running = new Set<Promise<void>>();

  /** BullMQ can cancel a processor only when it has all three parameters. */
  async function process(job: Job<RunJob>, token?: string, signal?: AbortSignal): Promise<void> {
    const following = follow(job, token, signal ?? new AbortController().signal);
    running.add(following);
    await following.finally(() => running.delete(following));
  }

  async function follow(job: Job<RunJob>, token: string | undefined, signal: AbortSignal): Promise<void> {
    const parsed = runJobSchema.safeParse(job.data);
    if (!parsed.success) throw new UnrecoverableError('The job names no run.');
    const { runId } = parsed.data;
    const number = job.attemptsMade + 1;
    try {
      const result = await runner.follow(runId, { log: log.child({ runId }), signal });
      if (result.kind === 'done') return;
      await job.moveToDelayed(Date.now() + result.requeueAfterMs, token);
      throw new DelayedError();
    } catch (error) {
      if (error instanceof DelayedError) throw error;
      if (signal.aborted) {
        await job.moveToWait(token);
        throw new WaitingError();
      }
      if (outageOf(error)) {
        warn('outage', { error: String(error) }, 'the database does not answer; runs are followed when it does');
        await job.moveToDelayed(Date.now() + backOffMs(3, { ...outageBackOff, random }), token);
        throw new DelayedError();
      }
      log.error({ runId, error: error instanceof Error ? error.stack : String(error) }, 'a run could not be followed');
      if (number >= (job.opts.attempts ?? 1)) await runner.fail(runId);
      throw error;
    }
  }

  const worker = new Worker<RunJob>(runQueueName, process, {
    connection: redis,
    name: `${hostname()}-${pid}`, // so that a job names the process that took it last
    skipVersionCheck: true, // as for the jobs of projects
    concurrency,
    // A crash of the worker is not the fault of the run, and a run may wait for its project for days.
    maxStalledCount: 1_000_000,
    maxStartedAttempts: 1_000_000_000,
    stalledInterval: takeover.stalledCheckMs,
    lockDuration: takeover.lockMs,
    settings: { backoffStrategy: (attemptsMade) => backOffMs(attemptsMade, { ...outageBackOff, random }) },
  });
  worker.on('error', (error) => log.debug({ error: error.message }, 'the queue of runs reports an error'));
  worker.on('lockRenewalFailed', (jobIds) => {
    for (const id of jobIds) worker.cancelJob(id, 'another worker may have taken the run over');
  });

  return {
    async close() {
      const closing = worker.close();
      worker.cancelAllJobs('the worker is stopping');
      await Promise.race([Promise.allSettled(running), delay(cancelMs, undefined, { ref: false })]);
      // Without Redis the library would wait for ever. Another worker takes the jobs over when their locks have expired.
      if (redis.status === 'ready') await Promise.race([closing, delay(recordMs, undefined, { ref: false })]);
    },
  };
}
