import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createDatabase } from '../../../src/shared/node/db/database.ts';
import { migrateDown } from '../../../src/shared/node/db/migrate.ts';
import { bearer, createApiCall } from '../../support/api-call.ts';
import { openSocket } from '../../support/raw-socket.ts';
import { createTestDatabase, createTestRedis, type TestDatabase, type TestRedis } from '../../support/services.ts';
import { proxyOf, type TcpProxy } from '../../support/tcp-proxy.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

let database: TestDatabase;
let redis: TestRedis;
let postgresProxy: TcpProxy;
let redisProxy: TcpProxy;
let server: TestServer;
let token: string;
let call: ReturnType<typeof createApiCall>;

beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase(), createTestRedis()]);
  const [postgres, queue] = await Promise.all([proxyOf(database.url), proxyOf(redis.url)]);
  postgresProxy = postgres.proxy;
  redisProxy = queue.proxy;
  redisProxy.cut(); // it is away at the start too
  server = await startTestServer({
    databaseUrl: postgres.url,
    redisUrl: queue.url,
    timings: { compareIntervalMs: 200 },
  });
  token = await server.mintToken('user');
  call = createApiCall(server.url, bearer(token));
});
afterAll(async () => {
  postgresProxy.restore();
  redisProxy.restore();
  await server.stop();
  await Promise.all([postgresProxy.close(), redisProxy.close()]);
  await database.drop();
});

const readiness = async () => {
  const response = await fetch(`${server.url}/readyz`);
  const body = (await response.json()) as { status: string; checks: Record<string, { ok: boolean; message: string }> };
  return { code: response.status, ...body };
};

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const startedAt = performance.now();
  const result = await work();
  return { result, ms: performance.now() - startedAt };
}

describe('while Redis is away', () => {
  it('a create answers within 1.5 s and the screen hears of it by the comparison with the database', async () => {
    redisProxy.cut();
    const socket = await openSocket(server.url, { token });
    expect(await socket.subscribe(1)).toMatchObject({ type: 'snapshot', projects: [] });
    const { result, ms } = await timed(() => call('projects.create', { body: { name: 'Without Redis' } }));
    expect(result.status).toBe(200);
    expect(ms).toBeLessThan(1_500);
    const changed = await socket.message((message) => message.result?.data?.data['type'] === 'changed');
    expect(changed.result?.data?.data).toMatchObject({ project: { name: 'Without Redis' } });
    socket.close();
  });

  it('/readyz says so, and that wishes are kept', async () => {
    redisProxy.cut();
    expect(await readiness()).toMatchObject({
      code: 200,
      status: 'degraded',
      checks: {
        database: { ok: true },
        redis: { ok: false, message: expect.stringContaining('Wishes are kept') as string },
        watch: { ok: false },
      },
    });
  });

  it('frozen, a create answers within 1.5 s all the same', async () => {
    redisProxy.restore();
    await expect.poll(async () => (await readiness()).checks['redis']?.ok, { timeout: 10_000 }).toBe(true);
    redisProxy.freeze();
    const { result, ms } = await timed(() => call('projects.create', { body: { name: 'Frozen Redis' } }));
    expect(result.status).toBe(200);
    expect(ms).toBeLessThan(1_500);
    redisProxy.restore();
    await expect.poll(async () => (await readiness()).checks['redis']?.ok, { timeout: 10_000 }).toBe(true);
  });
});

describe('while PostgreSQL is away', () => {
  it('every call is answered with 503 and when to try again, and works when it is back', async () => {
    postgresProxy.cut();
    for (const [path, request] of [
      ['projects.list', {}],
      ['projects.create', { body: { name: 'Lost' } }],
      ['auth.me', {}],
    ] as const) {
      const { result, ms } = await timed(() => call(path, request));
      expect([result.status, result.error?.data['appCode']]).toEqual([503, 'UNAVAILABLE']);
      expect(result.error?.data['retryAfterSeconds']).toBeGreaterThan(0);
      expect(result.headers.get('retry-after')).toBe('2');
      expect(ms).toBeLessThan(3_000);
    }
    expect(await readiness()).toMatchObject({ code: 503, status: 'down', checks: { database: { ok: false } } });
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
    postgresProxy.restore();
    await expect.poll(async () => (await call('projects.list')).status, { timeout: 5_000 }).toBe(200);
  });

  it('a socket that cannot be told apart is closed to be tried again, not told that it is signed out', async () => {
    postgresProxy.cut();
    const socket = await openSocket(server.url, { token });
    expect(await socket.closed).toBe(1013);
    expect(socket.messages).toEqual([]);
    postgresProxy.restore();
    await expect.poll(async () => (await call('auth.me')).status, { timeout: 5_000 }).toBe(200);
  });

  it('frozen, a call is answered with 503 within three seconds', async () => {
    postgresProxy.freeze();
    const { result, ms } = await timed(() => call('projects.list'));
    expect(result.status).toBe(503);
    expect(ms).toBeLessThan(3_000);
    postgresProxy.restore();
    await expect.poll(async () => (await call('projects.list')).status, { timeout: 5_000 }).toBe(200);
  });

  it('an open subscription stays open and goes on when it is back', async () => {
    const socket = await openSocket(server.url, { token });
    await socket.subscribe(1);
    postgresProxy.cut();
    await expect.poll(async () => (await call('auth.me')).status).toBe(503);
    postgresProxy.restore();
    await expect.poll(async () => (await call('auth.me')).status, { timeout: 5_000 }).toBe(200);
    await call('projects.create', { body: { name: 'Afterwards' } });
    const changed = await socket.message((message) => message.result?.data?.data['type'] === 'changed');
    expect(changed.result?.data?.data).toMatchObject({ project: { name: 'Afterwards' } });
    socket.close();
  });
});

describe('a server that starts', () => {
  it('waits for a database that does not answer yet', async () => {
    const { url, proxy } = await proxyOf(database.url);
    proxy.cut();
    const starting = startTestServer({ databaseUrl: url, redisUrl: redis.url });
    await delay(600);
    proxy.restore();
    const late = await starting;
    expect((await fetch(`${late.url}/livez`)).status).toBe(200);
    await late.stop();
    await proxy.close();
  });

  it('refuses a database that lacks migrations, and one that is newer, in words', async () => {
    const other = await createTestDatabase();
    await migrateDown(other.url);
    const start = () => startTestServer({ databaseUrl: other.url, redisUrl: redis.url });
    await expect(start()).rejects.toThrow(/lacks the migrations .*Run "npm run migrate" first/);
    const db = createDatabase(other.url, { poolSize: 1 });
    await db('knex_migrations').insert({ name: '9999-from-the-future', batch: 1, migrationTime: new Date() });
    await db.destroy();
    await expect(start()).rejects.toThrow('The database is newer than this program');
    await other.drop();
  });
});
