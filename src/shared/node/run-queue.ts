/**
 * The producer's side of the queue of runs. Each run has at most one job, which lasts until the run has ended. Nothing is lost
 * when Redis refuses a job, because the worker's sweep finds each run that has not ended.
 */

import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';

import { runQueueName, type RunJob } from '../contract/jobs.ts';
import { removeIfLost, waitsUntilDue } from './delayed-jobs.ts';
import type { Log } from './log.ts';
import type { Enqueued } from './project-queue.ts';

const timeLimitMs = 1_000;
/** Longer than a run waits between two looks at its project. */
const longestDelayMs = 30_000;
/** Attempts of a job that fail because of a bug. An outage uses up none. */
const attempts = 5;

export interface RunQueue {
  /** Makes sure that the run has a job that is due soon. Never takes longer than a second, and never rejects. */
  enqueue(runId: string): Promise<Enqueued>;
  close(): Promise<void>;
}

/** @param deps.redis a connection for producers, owned by the caller */
export function createRunQueue({ redis, log }: { redis: Redis; log: Log }): RunQueue {
  const queue = new Queue<RunJob, void>(runQueueName, { connection: redis, skipVersionCheck: true });
  queue.on('error', (error) => log.debug({ error: error.message }, 'the queue of runs reports an error'));

  async function add(runId: string, isRepeated = false): Promise<Enqueued> {
    const jobId = crypto.randomUUID();
    const job = await queue.add(
      'follow-run',
      { runId },
      {
        jobId,
        attempts,
        backoff: { type: 'custom' },
        deduplication: { id: runId },
        removeOnComplete: true,
        removeOnFail: true,
      },
    );
    if (job.id === jobId) return 'added';
    if (!isRepeated && (await removeIfLost(job))) return await add(runId, true);
    return (await waitsUntilDue({ redis, queue, longestDelayMs }, job)) ? 'delayed' : 'known';
  }

  return {
    async enqueue(runId) {
      // Otherwise the library would keep the job and add it when Redis returns, long after it was reported as refused.
      if (redis.status !== 'ready') return 'refused';
      const adding = add(runId);
      adding.catch(() => undefined); // it may fail after the time limit, when the caller has its answer
      const limit = AbortSignal.timeout(timeLimitMs);
      const tooLate = new Promise<Enqueued>((resolve) => {
        limit.addEventListener('abort', () => resolve('refused'), { once: true });
      });
      return await Promise.race([adding.catch((): Enqueued => 'refused'), tooLate]);
    },
    close: () =>
      queue.close().catch((error: unknown) => log.debug({ error: String(error) }, 'the queue of runs did not close')),
  };
}
