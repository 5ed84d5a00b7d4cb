import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { createPodLogQueue } from '../../src/server/projects/pod-log-queue.ts';
import { systemClock, type Clock } from '../../src/shared/clock.ts';
import { insertAccessToken } from '../../src/shared/node/db/access-tokens-repository.ts';
import { createDatabaseClock } from '../../src/shared/node/db/database-clock.ts';
import { createDatabase } from '../../src/shared/node/db/database.ts';
import { createLog } from '../../src/shared/node/log.ts';
import { createRedis } from '../../src/shared/node/redis.ts';
import { createClient } from '../../src/shared/sdk/client.ts';
import { startPodLogConsumer } from '../../src/worker/pods/logs/pod-log-consumer.ts';
import type { ReadPodLog } from '../../src/worker/pods/logs/read-pod-log.ts';
import { startFakePod, type FakePod } from '../support/fake-pod.ts';
import { startGatewaySystem, type GatewaySystem } from '../support/gateway-system.ts';
import { createTestDatabase, createTestRedis } from '../support/services.ts';

const hourMs = 3_600_000;
const wrongBy = (ms: number): Clock => ({ ...systemClock, now: () => Date.now() + ms });
const page = {
  accept: 'text/html',
  'sec-fetch-site': 'none',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
};
const pathOf = (url: string) => url.slice(new URL(url).origin.length);

describe.each([
  ['ahead', hourMs],
  ['behind', -hourMs],
])('fault 33: the clock of the server is an hour %s, and that of the gateway is wrong the other way', (_, ms) => {
  let system: GatewaySystem;
  let pod: FakePod;
  let projectId: string;

  beforeAll(async () => {
    [system, pod] = await Promise.all([
      startGatewaySystem({}, { server: wrongBy(ms), gateway: wrongBy(-ms) }),
      startFakePod(),
    ]);
    projectId = await system.createProject('owner', pod.address);
  });
  afterAll(async () => {
    await system.stop();
    await pod.stop();
  });

  it('a session leads into a project, and its cookie stays valid there', async () => {
    const session = await system.signIn('owner');
    const url = await system.openProject(session, projectId);
    const entered = await system.ask({ projectId, path: pathOf(url), headers: page });
    expect(entered.status).toBe(303);
    const cookie = entered.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    expect(await system.ask({ projectId, headers: { ...page, cookie } })).toMatchObject({ status: 200 });
  });

  it('a token that ends in half an hour keeps its socket open', async () => {
    const { userId } = (await system.db('sessions').first<{ userId: string }>('userId')) ?? { userId: '' };
    const expiresAt = new Date(Date.now() + hourMs / 2).toISOString();
    const { token } = await insertAccessToken(system.db, { userId, name: 'half an hour', expiresAt });
    const client = createClient({ url: `http://127.0.0.1:${system.server.port}`, token });
    const names: string[] = [];
    const watching = (async () => {
      for await (const { name } of client.watch(projectId)) names.push(name);
    })();
    await vi.waitFor(() => expect(names).toHaveLength(1), 10_000);
    await client.projects.update({ id: projectId, name: 'renamed' });
    await vi.waitFor(() => expect(names).toContain('renamed'), 10_000);
    await client.close();
    await watching;
  });
});

describe('fault 33: the clocks of server and worker differ by an hour', () => {
  it.each([hourMs, -hourMs])('logs are read, with a difference of %d ms', async (ms) => {
    const redis = await createTestRedis();
    const log = createLog({ name: 'test', level: 'silent' });
    const open = (purpose: 'producer' | 'blocking') => createRedis(redis.url, { purpose, log });
    const connections = [open('producer'), open('blocking'), open('producer'), open('blocking')] as const;
    const [producer, replies, answers, blocking] = connections;
    const stopping = new AbortController();
    const queue = createPodLogQueue({ redis: producer, replies, log });
    const receiving = queue.receiveReplies(stopping.signal);
    const readLog: ReadPodLog = () => Promise.resolve({ kind: 'log', lines: [], truncated: false });
    const consumer = startPodLogConsumer({ redis: blocking, replies: answers, readLog, log });
    await vi.waitFor(() => expect(producer.status).toBe('ready'), 10_000);
    // Only what the server reads of its clock: the worker of this process takes the job afterwards.
    const now = vi.spyOn(Date, 'now').mockImplementationOnce(() => performance.timeOrigin + performance.now() + ms);
    const request = { podName: `project-${randomUUID()}-abcde`, container: 'opencode-server' as const };
    const result = await queue.read({ ...request, previous: false, tailLines: 10 });
    now.mockRestore();
    expect(result).toMatchObject({ kind: 'log' });
    stopping.abort();
    await Promise.all([consumer.close(), queue.close(), receiving]);
    for (const connection of connections) connection.disconnect();
  });
});

describe('the clock of the database', () => {
  it('counts instead of a clock that is wrong, also when that one steps', async () => {
    const database = await createTestDatabase();
    const db = createDatabase(database.url);
    let wrongMs = 0;
    const own: Clock = { ...systemClock, now: () => Date.now() + wrongMs };
    const clock = createDatabaseClock({ db, clock: own, log: createLog({ name: 'test', level: 'silent' }) });
    await clock.measure();
    for (wrongMs of [0, hourMs, -hourMs]) expect(Math.abs(clock.now() - Date.now())).toBeLessThan(1_500);
    await db.destroy();
    await database.drop();
  });
});
