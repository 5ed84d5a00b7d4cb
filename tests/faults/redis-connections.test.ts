import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';

import { projectQueueName } from '../../src/shared/contract/jobs.ts';
import { createLog } from '../../src/shared/node/log.ts';
import { createProjectQueue } from '../../src/shared/node/project-queue.ts';
import { awaitRedis, createRedis } from '../../src/shared/node/redis.ts';
import { createOwnRedis, type OwnRedis } from '../support/own-services.ts';
import { proxyOf } from '../support/tcp-proxy.ts';

const log = createLog({ name: 'test', level: 'silent' });

let redis: OwnRedis;

beforeAll(async () => {
  redis = await createOwnRedis();
});
afterAll(() => redis.stop());

function connect(url: string): Redis {
  const connection = createRedis(url, { purpose: 'producer', log });
  onTestFinished(() => connection.disconnect());
  return connection;
}

describe('a producer’s connection', () => {
  it('fails at once after two seconds without an answer, so that no commands pile up in memory, and recovers by itself', async () => {
    const connection = connect(redis.url);
    await awaitRedis(connection, 5_000);
    redis.freeze();
    onTestFinished(() => redis.thaw());
    const startedAt = performance.now();
    const first = await Promise.allSettled(Array.from({ length: 100 }, () => connection.set('key', 'value')));
    expect(new Set(first.map(({ status }) => status))).toEqual(new Set(['rejected']));
    expect(performance.now() - startedAt).toBeLessThan(3_000);

    for (let round = 0; round < 50; round += 1) {
      // No timer is earlier, however busy the machine is: nothing is sent or awaited.
      const answer = connection.set('key', 'value').then(String, () => 'rejected');
      expect(await Promise.race([answer, delay(0, 'waits')])).toBe('rejected');
    }
    redis.thaw();
    await vi.waitFor(() => expect(connection.set('key', 'value')).resolves.toBe('OK'), { timeout: 10_000 });
  }, 30_000);
});

describe('any connection', () => {
  it('is opened ever less often when each one is lost as soon as it is ready', async () => {
    const { url, proxy } = await proxyOf(redis.url);
    onTestFinished(() => proxy.close());
    const readyAtMs: number[] = [];
    const connection = connect(url);
    connection.on('ready', () => {
      readyAtMs.push(performance.now());
      proxy.reset();
    });
    await expect.poll(() => readyAtMs.length, { timeout: 15_000, interval: 20 }).toBe(5);
    // Pauses of 100, 200, 400 and 800 milliseconds.
    expect((readyAtMs[4] ?? 0) - (readyAtMs[0] ?? 0)).toBeGreaterThan(1_450);
  });
});

describe('the queue', () => {
  async function enqueueing(url: string) {
    const connection = connect(url);
    const queue = createProjectQueue({ redis: connection, log });
    onTestFinished(() => queue.close());
    return { connection, enqueue: (projectId: string) => queue.enqueue('create-pod', { projectId }) };
  }

  async function queuedProjects(): Promise<string[]> {
    const jobs = new Queue(projectQueueName, { connection: { url: redis.url } });
    try {
      return (await jobs.getJobs()).map(({ data }) => (data as { projectId: string }).projectId); // only this test adds jobs
    } finally {
      await jobs.close();
    }
  }

  it('accepts jobs again after its connection broke right after it was opened', async () => {
    const { url, proxy } = await proxyOf(redis.url);
    onTestFinished(() => proxy.close());
    const { connection, enqueue } = await enqueueing(url);
    connection.once('ready', () => proxy.cut());
    await vi.waitFor(() => expect(connection.status).toBe('reconnecting'), { timeout: 5_000, interval: 5 });
    expect(await enqueue(randomUUID())).toBe('refused');
    proxy.restore();
    await vi.waitFor(async () => expect(await enqueue(randomUUID())).toBe('added'), { timeout: 10_000 });
  }, 30_000);

  it('never adds a refused job later', async () => {
    const { url, proxy } = await proxyOf(redis.url);
    onTestFinished(() => proxy.close());
    proxy.cut();
    const { enqueue } = await enqueueing(url);
    const refused = randomUUID();
    expect(await enqueue(refused)).toBe('refused');
    proxy.restore();
    const taken = randomUUID();
    await vi.waitFor(async () => expect(await enqueue(taken)).toBe('added'), { timeout: 10_000 });
    const queued = await queuedProjects();
    expect(queued).toContain(taken);
    expect(queued).not.toContain(refused);
  }, 30_000);
});
