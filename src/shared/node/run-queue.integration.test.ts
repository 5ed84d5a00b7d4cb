import { DelayedError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { createTestRedis } from '../../../tests/support/services.ts';
import { runQueueName, type RunJob } from '../contract/jobs.ts';
import { createLog } from './log.ts';
import { createRedis } from './redis.ts';
import { createRunQueue, type RunQueue } from './run-queue.ts';

const log = createLog({ name: 'test', level: 'silent' });
let connections: Redis[];
let queue: RunQueue;
let worker: Worker<RunJob>;
/** How far the worker has delayed each run. */
const delays: Record<string, number> = { misjudged: 3_600_000, waiting: 10_000 };
const followed: string[] = [];
let delayed = 0;

beforeAll(async () => {
  const { url } = await createTestRedis();
  const producer = createRedis(url, { purpose: 'producer', log });
  const blocking = createRedis(url, { purpose: 'blocking', log });
  connections = [producer, blocking];
  queue = createRunQueue({ redis: producer, log });
  worker = new Worker<RunJob>(
    runQueueName,
    async (job, token) => {
      const { runId } = job.data;
      followed.push(runId);
      await job.moveToDelayed(Date.now() + (delays[runId] ?? 0), token);
      delayed += 1;
      throw new DelayedError();
    },
    { connection: blocking, skipVersionCheck: true },
  );
});
afterAll(async () => {
  await worker.close();
  await queue.close();
  for (const connection of connections) connection.disconnect();
});

it('starts a job at once that a worker with a clock an hour ahead has delayed, and leaves other delays', async () => {
  await expect.poll(() => queue.enqueue('waiting')).toBe('added');
  expect(await queue.enqueue('misjudged')).toBe('added');
  await expect.poll(() => delayed).toBe(2);

  delays['misjudged'] = 0;
  expect(await queue.enqueue('waiting')).toBe('known');
  expect(await queue.enqueue('misjudged')).toBe('known');
  await expect.poll(() => followed.filter((run) => run === 'misjudged').length).toBeGreaterThan(1);
  expect(followed.filter((run) => run === 'waiting')).toHaveLength(1);
});
