/**
 * The producer's side of the queue. One job a project at a time: an add while one runs is remembered and runs after it,
 * an add while one waits changes nothing. That loses nothing, for a job says only "look at this project".
 */

import { randomUUID } from 'node:crypto';

import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';

import { projectJobAttempts, projectQueueName, type ProjectJob, type ProjectJobName } from '../contract/jobs.ts';
import type { Log } from './log.ts';
import { currentTrace } from './tracing.ts';

/**
 * `added`: a job waits now that was not there before. `known`: one was there already. `refused`: Redis does not take it;
 * the row says what is wanted, and the worker's sweep finds it.
 */
export type Enqueued = 'added' | 'known' | 'refused';

export interface ProjectQueue {
  /**
   * Asks for a look at the project, at once even if an earlier attempt waits in back-off (unless told not to hurry).
   * Never takes longer than a second.
   */
  enqueue(name: ProjectJobName, job: ProjectJob, options?: { hurry: boolean }): Promise<Enqueued>;
  close(): Promise<void>;
}

/** @param redis a connection for producers, owned by the caller */
export function createProjectQueue({ redis, log }: { redis: Redis; log: Log }): ProjectQueue {
  // Without the library's question for the version: it is asked once, and were that answer lost with the connection, the
  // queue would refuse everything until the process ends.
  const queue = new Queue<ProjectJob, void, ProjectJobName>(projectQueueName, {
    connection: redis,
    skipVersionCheck: true,
  });
  queue.on('error', (error) => log.debug({ error: error.message }, 'the queue reports an error'));

  async function add(name: ProjectJobName, job: ProjectJob, hurry: boolean): Promise<Enqueued> {
    const jobId = randomUUID();
    const options = {
      attempts: projectJobAttempts,
      backoff: { type: 'custom' },
      deduplication: { id: job.projectId, keepLastIfActive: true },
      removeOnComplete: true,
      removeOnFail: { count: 1_000 },
    };
    // Where a job of this project is there already, we are given that one.
    const queued = await queue.add(name, job, { ...options, jobId });
    if (queued.id === jobId) return 'added';
    if (!hurry || !(await queued.isDelayed())) return 'known';
    // An attempt for an earlier wish waits in back-off. This wish begins at once, with attempts and a request id of its
    // own; unless that attempt has begun by itself meanwhile: then it reads this wish from the row.
    const removed = await queued.remove().then(
      () => true,
      () => false,
    );
    if (removed) await queue.add(name, job, options);
    return 'known';
  }

  return {
    async enqueue(name, job, { hurry } = { hurry: true }) {
      // Else the library would keep the job and add it whenever Redis comes, long after it was said to be refused.
      if (redis.status !== 'ready') return 'refused';
      const deadline = AbortSignal.timeout(1_000);
      const tooLate = new Promise<never>((_, reject) => {
        deadline.addEventListener('abort', () => reject(new Error('Redis did not answer within a second.')), {
          once: true,
        });
      });
      const traceparent = currentTrace();
      const adding = add(name, traceparent === undefined ? job : { ...job, traceparent }, hurry);
      adding.catch(() => undefined); // may lose the race and fail later: the caller has been told already
      try {
        return await Promise.race([adding, tooLate]);
      } catch (error) {
        log.warn({ ...job, error: String(error) }, 'job not queued; the sweep will find the project');
        return 'refused';
      }
    },
    close: () => queue.close(),
  };
}
