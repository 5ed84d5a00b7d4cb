import { DelayedError, Worker } from 'bullmq';
import { expect, it } from 'vitest';

import { createTestRedis } from '../../../tests/support/services.ts';
import { projectQueueName, runQueueName } from '../contract/jobs.ts';
import { createLog } from './log.ts';
import { createProjectQueue } from './project-queue.ts';
import { createRedis } from './redis.ts';
import { createRunQueue } from './run-queue.ts';

const log = createLog({ name: 'test', level: 'silent' });
const waiting = '00000000-0000-4000-8000-000000000001';
const misjudged = '00000000-0000-4000-8000-000000000002';

const queues = {
  projects(redis: ReturnType<typeof createRedis>) {
    const queue = createProjectQueue({ redis, log });
    const enqueue = (projectId: string) => queue.enqueue('create-pod', { projectId }, { hurry: false });
    return { name: projectQueueName, enqueue, close: queue.close };
  },
  runs(redis: ReturnType<typeof createRedis>) {
    return { name: runQueueName, ...createRunQueue({ redis, log }) };
  },
};

it.each(['projects', 'runs'] as const)(
  'a job of the queue of %s that a clock an hour ahead has delayed starts at once, and another delay is kept',
  async (kind) => {
    const { url } = await createTestRedis();
    const producer = createRedis(url, { purpose: 'producer', log });
    const blocking = createRedis(url, { purpose: 'blocking', log });
    const queue = queues[kind](producer);
    const delays: Record<string, number> = { [waiting]: 10_000, [misjudged]: 3_600_000 };
    const begun: string[] = [];
    let delayed = 0;
    const worker = new Worker<{ projectId?: string; runId?: string }>(
      queue.name,
      async (job, token) => {
        const id = job.data.projectId ?? job.data.runId ?? '';
        begun.push(id);
        await job.moveToDelayed(Date.now() + (delays[id] ?? 0), token);
        delayed += 1;
        throw new DelayedError();
      },
      { connection: blocking, skipVersionCheck: true },
    );
    await expect.poll(() => queue.enqueue(waiting)).toBe('added');
    expect(await queue.enqueue(misjudged)).toBe('added');
    await expect.poll(() => delayed).toBe(2);

    delays[misjudged] = 0;
    expect(await queue.enqueue(waiting)).toBe('delayed');
    expect(await queue.enqueue(misjudged)).toBe('known');
    await expect.poll(() => begun.filter((id) => id === misjudged).length).toBeGreaterThan(1);
    expect(begun.filter((id) => id === waiting)).toHaveLength(1);

    await worker.close();
    await queue.close();
    for (const connection of [producer, blocking]) connection.disconnect();
  },
);
