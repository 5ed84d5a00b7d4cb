import { randomBytes } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createClient, readAppError } from '../../../src/shared/sdk/client.ts';
import { bearer, createApiCall } from '../../support/api-call.ts';
import { openSocket, type RawMessage } from '../../support/raw-socket.ts';
import { createTestDatabase, createTestRedis, type TestDatabase, type TestRedis } from '../../support/services.ts';
import { createTestClock } from '../../support/test-clock.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

let database: TestDatabase;
let redis: TestRedis;
/** Behind one proxy: 60 calls per user, 6 anonymous calls, 3 sign-in requests, 12 handshakes and 600 requests per address. */
let server: TestServer;
/** It stands still until a test moves it, so that no token is refilled meanwhile. */
const clock = createTestClock(Date.now());

beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase(), createTestRedis()]);
  server = await start({ RATE_LIMIT_PER_MINUTE: '60', TRUSTED_PROXIES: '1' });
});
afterAll(async () => {
  await server.stop();
  await database.drop();
});

const start = (env: Record<string, string>) =>
  startTestServer({ databaseUrl: database.url, redisUrl: redis.url, env, clock });

let addressCount = 0;
const newAddress = () => `198.51.100.${(addressCount += 1)}`;
const from = (address: string) => ({ 'x-forwarded-for': address });
const asUser = async (name: string) => createApiCall(server.url, bearer(await server.mintToken(name)));
const times = (count: number, path: string) => `${Array(count).fill(path).join(',')}?batch=1`;
const statusesOf = async (count: number, ask: () => Promise<{ status: number }>) => {
  const statuses: number[] = [];
  for (let index = 0; index < count; index += 1) statuses.push((await ask()).status);
  return statuses;
};
const allOf = (count: number, status: number) => Array<number>(count).fill(status);

describe('calls of a user', () => {
  it('are refused with 429, a code, a message and Retry-After until that time has passed', async () => {
    const call = await asUser('busy');
    for (let index = 0; index < 3; index += 1) expect((await call(times(20, 'tokens.list'))).status).toBe(200);
    const refused = await call('auth.me');
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.error?.message).toBe('Too many calls in your name within a minute. Wait a second and try again.');
    expect(refused.error?.data).toMatchObject({
      appCode: 'RATE_LIMITED',
      code: 'TOO_MANY_REQUESTS',
      httpStatus: 429,
      retryAfterSeconds: 1,
    });
    clock.advance(1_000);
    expect((await call('auth.me')).status).toBe(200);
    expect((await call('auth.me')).status).toBe(429);
  });

  it('are counted per user, for all tokens and addresses', async () => {
    const [first, second, other] = [await asUser('one'), await asUser('one'), await asUser('another')];
    for (const call of [first, second, first]) {
      expect((await call(times(20, 'auth.me'), { headers: from(newAddress()) })).status).toBe(200);
    }
    expect((await second('auth.me', { headers: from(newAddress()) })).status).toBe(429);
    expect((await other('auth.me')).status).toBe(200);
  });

  it('in a batch count one by one, and a batch beyond the limit runs no call', async () => {
    const call = await asUser('batches');
    for (const count of [20, 20]) expect((await call(times(count, 'auth.me'))).status).toBe(200);
    for (const count of [1, 1, 1, 1, 1]) expect((await call(times(count, 'auth.me'))).status).toBe(200);
    const body = Object.fromEntries(Array.from({ length: 16 }, (_, index) => [index, { name: `project ${index}` }]));
    const refused = await call(times(16, 'projects.create'), { body });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect((await call('projects.list')).data).toMatchObject({ items: [] });
    expect((await call(times(14, 'auth.me'))).status).toBe(200);
    expect((await call('auth.me')).status).toBe(429);
  });

  it('reach the SDK as an error with the time to wait', async () => {
    const client = createClient({ url: server.url, token: await server.mintToken('script') });
    await Promise.all(Array.from({ length: 60 }, () => client.projects.list()));
    const refusal = readAppError(await client.projects.list().catch((error: unknown) => error));
    expect([refusal?.code, refusal?.retryAfterSeconds]).toEqual(['RATE_LIMITED', 1]);
    await client.close();
  });

  it('on a socket count together with those over HTTP, the socket stays open, and stopping is always allowed', async () => {
    const token = await server.mintToken('watcher');
    for (let index = 0; index < 2; index += 1) {
      await createApiCall(server.url, bearer(token))(times(20, 'auth.me'));
    }
    const socket = await openSocket(server.url, { token });
    for (let id = 1; id <= 20; id += 1) {
      expect(await socket.subscribe(id)).toMatchObject({ type: 'snapshot' });
      socket.send({ id, method: 'subscription.stop' });
    }
    const refused = await socket.subscribe(21);
    expect(refused).toMatchObject({ data: { appCode: 'RATE_LIMITED', retryAfterSeconds: 1 } });
    socket.send({ id: 22, method: 'query', params: { path: 'auth.me' } });
    const query = await socket.message((message: RawMessage) => message.id === 22);
    expect(query.error?.data['appCode']).toBe('RATE_LIMITED');
    clock.advance(1_000);
    expect(await socket.subscribe(23)).toMatchObject({ type: 'snapshot' });
    expect((await createApiCall(server.url, bearer(token))('auth.me')).status).toBe(429);
    socket.close();
  });
});

describe('from one address', () => {
  it('anonymous calls, including those with a wrong token, have a smaller limit', async () => {
    const address = newAddress();
    const call = createApiCall(server.url, from(address));
    const guess = () => call('auth.me', { headers: bearer(`ocp_${randomBytes(8).toString('hex')}`) });
    expect(await statusesOf(3, () => call('auth.me'))).toEqual(allOf(3, 401));
    expect(await statusesOf(4, guess)).toEqual([401, 401, 401, 429]);
    const refused = await call('auth.me');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '10']);
    const neighbour = await asUser('neighbour');
    expect((await neighbour('auth.me', { headers: from(address) })).status).toBe(200);
  });

  it('signing in has the smallest limit, and the page names the time to wait', async () => {
    const headers = { accept: 'text/html', ...from(newAddress()) };
    const signIn = () => fetch(`${server.url}/auth/login`, { headers, redirect: 'manual' });
    expect(await statusesOf(3, signIn)).toEqual(allOf(3, 503)); // the issuer of this server is unavailable
    const refused = await signIn();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '20']);
    expect(await refused.text()).toContain('Too many sign-ins from your address within a minute. Wait 20 seconds');
    expect((await fetch(`${server.url}/auth/callback?code=1&state=2`, { headers })).status).toBe(429);
    expect((await fetch(`${server.url}/auth/login`, { headers: from(newAddress()) })).status).toBe(503);
  });

  it('WebSocket handshakes have their own limit, which applies before the caller is identified', async () => {
    const address = newAddress();
    expect(await statusesOf(12, () => handshake(server, address))).toEqual(allOf(12, 101));
    const refused = await handshake(server, address);
    expect([refused.status, refused.headers['retry-after']]).toEqual([429, '5']);
    expect((await handshake(server, newAddress())).status).toBe(101);
    clock.advance(5_000);
    expect((await handshake(server, address)).status).toBe(101);
  });

  it('all requests together have a limit, however many users share the address', async () => {
    const headers = from(newAddress());
    // The limit counts and refuses requests before the caller is identified.
    const ask = () => fetch(`${server.url}/trpc/no-such-name`, { headers });
    for (let served = 0; served < 600; served += 50) {
      const answers = await Promise.all(Array.from({ length: 50 }, ask));
      expect(answers.map(({ status }) => status)).toEqual(allOf(50, 404));
    }
    const person = await asUser('person');
    const refused = await person('auth.me', { headers });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect(refused.error?.message).toContain('Too many requests from your address');
    expect((await person('auth.me', { headers: from(newAddress()) })).status).toBe(200);
  });

  it('pages and health checks have no limit', async () => {
    const headers = from(newAddress());
    for (const path of ['/livez', '/readyz', '/metrics', '/']) {
      const statuses = await statusesOf(30, () => fetch(`${server.url}${path}`, { headers }));
      expect([path, statuses.includes(429)]).toEqual([path, false]);
    }
  });
});

it('metrics are served to direct clients, and not through a proxy', async () => {
  const ask = (headers: Record<string, string>) => fetch(`${server.url}/metrics`, { headers });
  expect((await ask({})).status).toBe(200);
  const refused = await ask(from(newAddress()));
  expect([refused.status, await refused.text()]).toEqual([404, expect.stringContaining('Metrics are not public')]);
});

describe('the address of a client', () => {
  const ask = (one: TestServer, forwardedFor: string) =>
    createApiCall(one.url, { 'x-forwarded-for': forwardedFor })('auth.me');

  it('is the one that the trusted proxy reports, and not one that the client wrote', async () => {
    const address = newAddress();
    let forged = 0;
    const spoof = () => ask(server, `203.0.113.${(forged += 1)}, ${address}`);
    expect(await statusesOf(7, spoof)).toEqual([...allOf(6, 401), 429]);
    const victim = '203.0.113.1';
    expect((await ask(server, victim)).status).toBe(401);
    const socket = () => handshake(server, `203.0.113.${(forged += 1)}, ${address}`);
    expect(await statusesOf(13, socket)).toEqual([...allOf(12, 101), 429]);
  });

  it('is the other end of the connection when no proxy is trusted', async () => {
    const direct = await start({ RATE_LIMIT_PER_MINUTE: '60' });
    expect(await statusesOf(7, () => ask(direct, newAddress()))).toEqual([...allOf(6, 401), 429]);
    expect(await statusesOf(13, () => handshake(direct, newAddress()))).toEqual([...allOf(12, 101), 429]);
    await direct.stop();
  });
});

it('the default limits never refuse a person who clicks or runs a script', async () => {
  const asShipped = await start({ RATE_LIMIT_PER_MINUTE: '' });
  const client = createClient({ url: asShipped.url, token: await server.mintToken('eager script') });
  for (let listed = 0; listed < 1_000; listed += 20) {
    await Promise.all(Array.from({ length: 20 }, () => client.projects.list()));
  }
  expect(await statusesOf(100, () => handshake(asShipped, newAddress()))).toEqual(allOf(100, 101));
  expect(await statusesOf(100, () => fetch(`${asShipped.url}/auth/login`))).toEqual(allOf(100, 503));
  expect(await statusesOf(100, () => fetch(`${asShipped.url}/trpc/auth.me`))).toEqual(allOf(100, 401));
  await client.close();
  await asShipped.stop();
});

/** Requests a WebSocket and closes it when it is accepted. */
function handshake(
  { port }: TestServer,
  forwardedFor: string,
): Promise<{ status: number; headers: IncomingMessage['headers'] }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      port,
      host: '127.0.0.1',
      path: '/trpc',
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
        'x-forwarded-for': forwardedFor,
      },
    });
    request.once('error', reject);
    request.once('upgrade', ({ headers }, stream) => {
      stream.destroy();
      resolve({ status: 101, headers });
    });
    request.once('response', (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, headers: response.headers });
    });
    request.end();
  });
}
