/** Jobs of BullMQ that wait until a worker may begin them again. */

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
