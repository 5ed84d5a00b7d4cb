/**
 * The producer's side of the queue. Each project has one job at a time: if a job is running, an added job runs after it; if
 * a job is waiting, adding one has no effect. Nothing is lost, because a job only requests a reconcile of its project.
 */

import { randomUUID } from 'node:crypto';

import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';

import { projectJobAttempts, projectQueueName, type ProjectJob, type ProjectJobName } from '../contract/jobs.ts';
import { removeIfLost, waitsUntilDue } from './delayed-jobs.ts';
import { createLimitedWarn } from './log-limit.ts';
import type { Log } from './log.ts';
import { refusalCodeOf } from './redis-guard.ts';
import { currentTrace } from './tracing.ts';

/**
 * `added`: a new job waits. `known`: the project already had a job. `delayed`: as `known`, and that job waits for the end of a
 * back-off. `refused`: Redis did not accept it; the row has the desired state, and the worker's sweep finds it.
 */
export type Enqueued = 'added' | 'known' | 'delayed' | 'refused';

export interface ProjectQueue {
  /**
   * Requests a reconcile of the project. With `hurry` (the default) it runs at once, even if an earlier attempt waits in
   * back-off. Never takes longer than a second.
   */
  enqueue(name: ProjectJobName, job: ProjectJob, options?: { hurry: boolean }): Promise<Enqueued>;
  close(): Promise<void>;
}

const notQueued = 'job not queued; the sweep will find the project';

/** No back-off is longer, and no pause that the cluster requests (ten minutes at most). */
const longestDelayMs = 900_000;

/** @param redis a connection for producers, owned by the caller */
export function createProjectQueue({ redis, log }: { redis: Redis; log: Log }): ProjectQueue {
  // The library asks Redis for its version once. If that answer were lost with the connection, the queue would refuse
  // every job until the process ends.
  const queue = new Queue<ProjectJob, void, ProjectJobName>(projectQueueName, {
    connection: redis,
    skipVersionCheck: true,
  });
  queue.on('error', (error) => log.debug({ error: error.message }, 'the queue reports an error'));
  const warn = createLimitedWarn(log);

  async function add(
    name: ProjectJobName,
    job: ProjectJob,
    { hurry, isRepeated = false }: { hurry: boolean; isRepeated?: boolean },
  ): Promise<Enqueued> {
    const jobId = randomUUID();
    const options = {
      attempts: projectJobAttempts,
      backoff: { type: 'custom' },
      deduplication: { id: job.projectId, keepLastIfActive: true },
      removeOnComplete: true,
      removeOnFail: { count: 1_000 },
    };
    // If the project already has a job, the library returns that one.
    const queued = await queue.add(name, job, { ...options, jobId });
    if (queued.id === jobId) return 'added';
    if (!isRepeated && (await removeIfLost(queued))) return await add(name, job, { hurry, isRepeated: true });
    // A job whose back-off has ended stays among the delayed ones until a worker takes jobs.
    if (!hurry) return (await waitsUntilDue({ redis, queue, longestDelayMs }, queued)) ? 'delayed' : 'known';
    if (!(await queued.isDelayed())) return 'known';
    // An attempt for an earlier command waits in back-off. This command replaces it and starts at once, with its own
    // attempts and request id. If that attempt has started meanwhile, it reads this command from the row.
    const removed = await queued.remove().then(
      () => true,
      () => false,
    );
    if (removed) await queue.add(name, job, options);
    return 'known';
  }

  return {
    async enqueue(name, job, { hurry } = { hurry: true }) {
      // Otherwise the library would keep the job and add it when Redis returns, long after it was reported as refused.
      if (redis.status !== 'ready') return 'refused';
      const deadline = AbortSignal.timeout(1_000);
      const tooLate = new Promise<never>((_, reject) => {
        deadline.addEventListener('abort', () => reject(new Error('Redis did not answer within a second.')), {
          once: true,
        });
      });
      const traceparent = currentTrace();
      const adding = add(name, traceparent === undefined ? job : { ...job, traceparent }, { hurry });
      adding.catch(() => undefined); // it may fail after the time limit, when the caller has its answer
      try {
        return await Promise.race([adding, tooLate]);
      } catch (error) {
        // The connection warns of a refusal.
        if (refusalCodeOf(error) === null) warn('late', { ...job, error: String(error) }, notQueued);
        else log.debug({ ...job, error: String(error) }, notQueued);
        return 'refused';
      }
    },
    close: () => queue.close(),
  };
}
