/**
 * The producer's side of the queue. One job a project at a time: an add while one runs is remembered and runs after it,
 * an add while one waits changes nothing. That loses nothing, for a job says only "look at this project".
 */
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';

import { projectQueueName, type ProjectJob, type ProjectJobName } from '../contract/jobs.ts';
import type { Log } from './log.ts';

/** Attempts before a project is parked; together with the consumer's back-off about a minute and a half. */
const projectJobAttempts = 10;

export interface ProjectQueue {
  /**
   * Asks for a look at the project, at once even if an earlier attempt waits in back-off (unless told not to hurry).
   * Resolves to `false` when Redis does not take it within a second: the row says what is wanted, and the worker's
   * sweep finds it.
   */
  enqueue(name: ProjectJobName, job: ProjectJob, options?: { hurry: boolean }): Promise<boolean>;
  close(): Promise<void>;
}

/** @param redis a connection for producers, owned by the caller */
export function createProjectQueue({ redis, log }: { redis: Redis; log: Log }): ProjectQueue {
  const queue = new Queue<ProjectJob, void, ProjectJobName>(projectQueueName, { connection: redis });
  queue.on('error', (error) => log.debug({ error: error.message }, 'the queue reports an error'));

  async function add(name: ProjectJobName, job: ProjectJob, hurry: boolean): Promise<true> {
    const options = {
      attempts: projectJobAttempts,
      backoff: { type: 'custom' },
      deduplication: { id: job.projectId, keepLastIfActive: true },
      removeOnComplete: true,
      removeOnFail: { count: 1_000 },
    };
    const added = await queue.add(name, job, options);
    if (!hurry || !(await added.isDelayed())) return true;
    // An attempt for an earlier wish waits in back-off. This wish begins at once, with attempts and a request id of its
    // own; unless that attempt has begun by itself meanwhile: then it reads this wish from the row.
    const removed = await added.remove().then(
      () => true,
      () => false,
    );
    if (removed) await queue.add(name, job, options);
    return true;
  }

  return {
    async enqueue(name, job, { hurry } = { hurry: true }) {
      const deadline = AbortSignal.timeout(1_000);
      const tooLate = new Promise<never>((_, reject) => {
        deadline.addEventListener('abort', () => reject(new Error('Redis did not answer within a second.')), {
          once: true,
        });
      });
      const adding = add(name, job, hurry);
      adding.catch(() => undefined); // may lose the race and fail later: the caller has been told already
      try {
        return await Promise.race([adding, tooLate]);
      } catch (error) {
        log.warn({ ...job, error: String(error) }, 'job not queued; the sweep will find the project');
        return false;
      }
    },
    close: () => queue.close(),
  };
}
