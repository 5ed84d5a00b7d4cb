/** When a delayed job of BullMQ is due. */

import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';

/** The library orders delayed jobs by the time at which they are due, multiplied by this. */
const scoreFactor = 0x1000;

/** Milliseconds since the epoch, by the clock of the worker that has delayed the job; `null` if it is not delayed. */
export async function dueAtMs(redis: Redis, queue: Queue, jobId: string): Promise<number | null> {
  const score = await redis.zscore(queue.toKey('delayed'), jobId);
  return score === null ? null : Number(score) / scoreFactor;
}
