/** Jobs of BullMQ that wait until a worker may begin them again, and jobs that nobody would ever begin. */

import type { Job, Queue } from 'bullmq';
import type { Redis } from 'ioredis';

/** The library orders delayed jobs by the time at which they are due, multiplied by this. */
const scoreFactor = 0x1000;

/**
 * Whether the job waits until it is due. A job that is due later than the longest delay was delayed by a worker whose clock is ahead,
 * and would wait for as long as that clock is ahead: it is started now.
 */
export async function waitsUntilDue(
  { redis, queue, longestDelayMs }: { redis: Redis; queue: Pick<Queue, 'toKey'>; longestDelayMs: number },
  job: Job,
): Promise<boolean> {
  const score = await redis.zscore(queue.toKey('delayed'), job.id ?? '');
  const waitsMs = Number(score ?? 0) / scoreFactor - Date.now();
  if (waitsMs > longestDelayMs) await job.promote().catch(() => undefined); // it may have begun meanwhile
  return waitsMs > 0 && waitsMs <= longestDelayMs;
}

/**
 * Removes a job that is in no list, so that it is not taken for one that waits. A Redis whose memory is full refuses a command in the
 * middle of a script of the library: the job has left one list and has not reached the other.
 * @returns whether it was in no list; then the caller adds the job again
 */
export async function removeIfLost(job: Job): Promise<boolean> {
  if ((await job.getState()) !== 'unknown') return false;
  await job.removeDeduplicationKey(); // only if it still names this job: another one may have been added meanwhile
  await job.remove().catch(() => undefined); // it is gone already, or its lock must expire first
  return true;
}
