import { randomUUID } from 'node:crypto';

import { Queue, Worker } from 'bullmq';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { projectQueueName, type ProjectJob } from '../../src/shared/contract/jobs.ts';
import { createLog } from '../../src/shared/node/log.ts';
import { createProjectQueue, type ProjectQueue } from '../../src/shared/node/project-queue.ts';
import { awaitRedis, createRedis } from '../../src/shared/node/redis.ts';
import { createRunQueue } from '../../src/shared/node/run-queue.ts';
import { createTestRedis } from '../support/services.ts';

const log = createLog({ name: 'test', level: 'silent' });
const cleanUps: (() => unknown)[] = [];
let url: string;
let queue: ProjectQueue;

beforeEach(async () => {
  url = (await createTestRedis()).url;
  const redis = createRedis(url, { purpose: 'producer', log });
  cleanUps.push(() => redis.disconnect());
  await awaitRedis(redis, 5_000);
  queue = createProjectQueue({ redis, log });
  cleanUps.push(() => queue.close());
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

/** Runs jobs like the worker, but with a back-off that is longer than any test. */
function consume(work: (job: { data: ProjectJob; attemptsMade: number }) => Promise<void>): void {
  const redis = createRedis(url, { purpose: 'blocking', log });
  cleanUps.push(() => redis.disconnect());
  const worker = new Worker<ProjectJob>(projectQueueName, work, {
    connection: redis,
    settings: { backoffStrategy: () => 600_000 },
  });
  cleanUps.push(() => worker.close());
}

it('a command during the back-off of an earlier one starts at once, with its own attempts and request id', async () => {
  const projectId = randomUUID();
  const observed: [string | undefined, number][] = [];
  consume(async ({ data, attemptsMade }) => {
    observed.push([data.requestId, attemptsMade]);
    if (data.requestId === 'first') throw new Error('The cluster does not answer.');
  });
  expect(await queue.enqueue('create-pod', { projectId, requestId: 'first' })).toBe('added');
  await vi.waitFor(() => expect(observed).toEqual([['first', 0]]), 10_000);
  await vi.waitFor(async () => {
    await queue.enqueue('delete-pod', { projectId, requestId: 'second' });
    expect(observed).toContainEqual(['second', 0]);
  }, 10_000);
  expect(observed.filter(([requestId]) => requestId === 'first')).toHaveLength(1);
});

it('a job without hurry waits until the back-off of the earlier attempt has ended', async () => {
  const projectId = randomUUID();
  const observed: (string | undefined)[] = [];
  consume(async ({ data }) => {
    observed.push(data.requestId);
    if (data.requestId === 'first') throw new Error('The cluster does not answer.');
  });
  await queue.enqueue('create-pod', { projectId, requestId: 'first' });
  await vi.waitFor(() => expect(observed).toEqual(['first']), 10_000);
  const again = await queue.enqueue('create-pod', { projectId, requestId: 'sweep' }, { hurry: false });
  expect(['known', 'delayed']).toContain(again); // the first attempt may still end
  const other = randomUUID();
  await queue.enqueue('create-pod', { projectId: other, requestId: 'other' });
  await vi.waitFor(() => expect(observed).toContain('other'), 10_000);
  expect(observed).toEqual(['first', 'other']);
});

it('a job whose back-off has ended counts as delayed no longer, although no worker has taken it', async () => {
  const projectId = randomUUID();
  const inspector = createRedis(url, { purpose: 'blocking', log });
  const jobs = new Queue<ProjectJob>(projectQueueName, { connection: inspector });
  cleanUps.push(() => inspector.disconnect());
  cleanUps.push(() => jobs.close());
  const enqueue = () => queue.enqueue('create-pod', { projectId }, { hurry: false });
  await jobs.add('create-pod', { projectId }, { delay: 500, deduplication: { id: projectId, keepLastIfActive: true } });
  expect(await enqueue()).toBe('delayed');
  await expect.poll(enqueue, { timeout: 5_000 }).toBe('known');
  expect(await jobs.getDelayedCount()).toBe(1);
});

it('any number of jobs that are added during a running job cause one more run', async () => {
  const projectId = randomUUID();
  const gate = Promise.withResolvers<void>();
  const observed: (string | undefined)[] = [];
  consume(async ({ data }) => {
    observed.push(data.requestId);
    if (data.requestId === 'first') await gate.promise;
  });
  await queue.enqueue('create-pod', { projectId, requestId: 'first' });
  await vi.waitFor(() => expect(observed).toEqual(['first']), 10_000);
  for (const requestId of ['second', 'third', 'last']) {
    expect(await queue.enqueue('create-pod', { projectId, requestId })).toBe('known');
  }
  gate.resolve();
  await vi.waitFor(() => expect(observed).toEqual(['first', 'last']), 10_000);
});

it('reports within about a second that Redis did not accept the job', async () => {
  const away = createRedis('redis://127.0.0.1:9', { purpose: 'producer', log });
  cleanUps.push(() => away.disconnect());
  const lonely = createProjectQueue({ redis: away, log });
  expect(await lonely.enqueue('create-pod', { projectId: randomUUID() })).toBe('refused');
});

it.each(['projects', 'runs'])(
  'in the queue of %s, a job that is in no list, as after a script that Redis has not finished, is replaced',
  async (name) => {
    const redis = createRedis(url, { purpose: 'producer', log });
    cleanUps.push(() => redis.disconnect());
    await awaitRedis(redis, 5_000);
    const runs = createRunQueue({ redis, log });
    cleanUps.push(() => runs.close());
    const id = randomUUID();
    const enqueue = () =>
      name === 'runs' ? runs.enqueue(id) : queue.enqueue('create-pod', { projectId: id }, { hurry: false });
    expect(await enqueue()).toBe('added');
    expect(await enqueue()).toBe('known');
    const waiting = `bull:${name}:wait`;
    const [lost = ''] = await redis.lrange(waiting, 0, -1);
    expect(await redis.lrem(waiting, 1, lost)).toBe(1);
    expect(await enqueue()).toBe('added');
    expect(await redis.lrange(waiting, 0, -1)).toEqual([expect.not.stringMatching(lost)]);
    expect(await redis.exists(`bull:${name}:${lost}`)).toBe(0);
  },
);
