import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bearer, createApiCall } from '../support/api-call.ts';
import { openSocket } from '../support/raw-socket.ts';
import { createTestDatabase, createTestRedis, type TestDatabase, type TestRedis } from '../support/services.ts';
import { proxyOf, type TcpProxy } from '../support/tcp-proxy.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

let database: TestDatabase;
let redis: TestRedis;
let redisProxy: TcpProxy;
let server: TestServer;
let token: string;
let call: ReturnType<typeof createApiCall>;

beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase(), createTestRedis()]);
  const queue = await proxyOf(redis.url);
  redisProxy = queue.proxy;
  redisProxy.cut(); // it is unavailable at the start too
  server = await startTestServer({
    databaseUrl: database.url,
    redisUrl: queue.url,
    timings: { compareIntervalMs: 200 },
  });
  token = await server.mintToken('user');
  call = createApiCall(server.url, bearer(token));
});
afterAll(async () => {
  redisProxy.restore();
  await server.stop();
  await redisProxy.close();
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

describe('fault 3: a server whose Redis is unavailable from the start', () => {
  it('a create is answered within 1.5 s and reaches the screen by the comparison with the database', async () => {
    redisProxy.cut();
    const name = `Without Redis ${randomUUID()}`;
    const socket = await openSocket(server.url, { token });
    expect(await socket.subscribe(1)).toMatchObject({ type: 'snapshot' });
    const { result, ms } = await timed(() => call('projects.create', { body: { name } }));
    expect(result.status).toBe(200);
    expect(ms).toBeLessThan(1_500);
    const changed = await socket.message((message) => message.result?.data?.data['type'] === 'changed');
    expect(changed.result?.data?.data).toMatchObject({ project: { name } });
    socket.close();
  });

  it('/readyz reports it and that commands are kept', async () => {
    redisProxy.cut();
    expect(await readiness()).toMatchObject({
      code: 200,
      status: 'degraded',
      checks: {
        database: { ok: true },
        redis: { ok: false, message: expect.stringContaining('Commands are saved') as string },
        watch: { ok: false },
      },
    });
  });

  it('a create is answered within 1.5 s while Redis is frozen', async () => {
    redisProxy.restore();
    await expect.poll(async () => (await readiness()).checks['redis']?.ok, { timeout: 10_000 }).toBe(true);
    redisProxy.freeze();
    const { result, ms } = await timed(() =>
      call('projects.create', { body: { name: `Frozen Redis ${randomUUID()}` } }),
    );
    expect(result.status).toBe(200);
    expect(ms).toBeLessThan(1_500);
    redisProxy.restore();
    await expect.poll(async () => (await readiness()).checks['redis']?.ok, { timeout: 10_000 }).toBe(true);
  });
});
