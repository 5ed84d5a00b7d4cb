import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { Project } from '../../src/shared/contract/project.ts';
import { createClient } from '../../src/shared/sdk/client.ts';
import { bearer, createApiCall } from '../support/api-call.ts';
import { startServerProcess, type ServiceProcess } from '../support/processes.ts';
import { openSocket } from '../support/raw-socket.ts';
import { createTestDatabase, createTestRedis, type TestDatabase, type TestRedis } from '../support/services.ts';
import { mintToken } from '../support/test-server.ts';
import { startWriters } from './writers.ts';

let database: TestDatabase;
let redis: TestRedis;
let db: Client;
let token: string;
let servers: ServiceProcess[];

beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase(), createTestRedis()]);
  db = new Client({ connectionString: database.url });
  await db.connect();
  token = await mintToken(database.url, 'user');
});
afterAll(async () => {
  await db.end();
  await database.drop();
});
beforeEach(async () => {
  const env = { MAX_PROJECTS_PER_USER: '100000' };
  const start = () => startServerProcess({ databaseUrl: database.url, redisUrl: redis.url, env });
  servers = await Promise.all([start(), start()]);
});
afterEach(() => Promise.all(servers.map((server) => server.kill())));

const last = <T>(list: T[]): T => list.at(-1) ?? expect.unreachable('the list is empty');

/** A load balancer: each connection goes to the first server that accepts it. */
async function startBalancer(): Promise<{ url: string; close(): Promise<void> }> {
  const ends = new Set<Socket>();
  const balancer = createServer({ allowHalfOpen: true }, (inner) => {
    ends.add(inner.on('error', () => undefined)); // the other side is closed too
    const pass = ([next, ...others]: ServiceProcess[]): void => {
      if (!next) return void inner.destroy();
      const outer = connect({ host: '127.0.0.1', port: Number(new URL(next.url).port), allowHalfOpen: true });
      let isConnected = false;
      outer.once('connect', () => {
        isConnected = true;
        inner.pipe(outer);
        outer.pipe(inner);
      });
      ends.add(outer.on('error', () => (isConnected ? inner.destroy() : pass(others))));
    };
    pass(servers);
  });
  await new Promise<void>((resolve) => {
    balancer.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(balancer.address() as AddressInfo).port}`, // it listens on TCP
    close: () =>
      new Promise((resolve) => {
        for (const end of ends) end.destroy();
        balancer.close(() => resolve());
      }),
  };
}

async function endOf(server: ServiceProcess): Promise<{ code: number | null; signal: string | null; tookMs: number }> {
  const startedAt = performance.now();
  return { ...(await server.kill('SIGTERM')), tookMs: performance.now() - startedAt };
}

describe('fault 26: SIGTERM to a server under load', () => {
  it('the server exits with 0 within 25 s, every request is answered or was not started, and each client ends with the stored state', async () => {
    const balancer = await startBalancer();
    const client = createClient({ url: balancer.url, token });
    const observed = new Map<string, Project>();
    const watching = (async () => {
      for await (const project of client.watch()) observed.set(project.id, project);
    })();
    const socket = await openSocket(servers[0]?.url ?? '', { token });
    expect(await socket.subscribe(1)).toMatchObject({ type: 'snapshot' });
    const writers = startWriters({ url: balancer.url, token, count: 10, createEvery: 2 });
    await writers.progress(60);
    const [first] = servers;
    if (!first) throw expect.unreachable();
    const ended = await endOf(first);
    await writers.progress(60); // on the other server
    await writers.stop();

    expect(ended).toMatchObject({ code: 0, signal: null });
    expect(ended.tookMs).toBeLessThan(25_000);
    await socket.message((message) => message.method === 'reconnect');
    await socket.closed;

    const { rows } = await db.query<{ id: string; idempotencyKey: string; description: string; statusVersion: number }>(
      'select id, idempotency_key as "idempotencyKey", description, status_version::int as "statusVersion" from projects',
    );
    const stored = new Map(rows.map((row) => [row.id, row]));
    for (const [id, { description }] of writers.acknowledged) expect(stored.get(id)?.description).toBe(description);
    // A request that was not carried out got a refusal, or its connection was closed before it was read.
    const begun = new Set(rows.map(({ idempotencyKey }) => idempotencyKey));
    for (const { path, input, answer } of writers.requests.filter((one) => one.answer?.status !== 200)) {
      if (path === 'projects.create') expect(begun).not.toContain(input['idempotencyKey']);
      if (answer === null) continue;
      expect([answer.status, answer.error?.data['appCode'], answer.headers.get('retry-after')]).toEqual([
        503,
        'UNAVAILABLE',
        '2',
      ]);
    }
    const brief = (list: Iterable<{ id: string; description: string; statusVersion: number }>) =>
      new Map([...list].map(({ id, description, statusVersion }) => [id, { description, statusVersion }]));
    await expect.poll(() => brief(observed.values()), { timeout: 20_000, interval: 100 }).toEqual(brief(rows));

    await client.close();
    await watching;
    await balancer.close();
  }, 60_000);

  it('a request that was accepted is answered, and silent connections do not delay the exit', async () => {
    const [server] = servers;
    if (!server) throw expect.unreachable();
    const silent = connect({ host: '127.0.0.1', port: Number(new URL(server.url).port) });
    const silentEnded = new Promise((resolve) => {
      silent.on('error', resolve).once('close', resolve);
    });
    const call = createApiCall(server.url, bearer(token));
    const { id } = (await call('projects.create', { body: { name: 'Held up' } })).data as { id: string };
    await db.query('begin');
    await db.query('select 1 from projects where id = $1 for update', [id]);
    const answer = call('projects.update', { body: { id, description: 'Done nevertheless.' } });
    const waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
    await expect.poll(async () => (await db.query(waiting)).rowCount).toBe(1);
    const ended = endOf(server);
    await expect.poll(() => server.output()).toContain('the server stops');
    await expect.poll(() => fetch(`${server.url}/livez`).catch(String)).toContain('fetch failed'); // it accepts no more connections
    await db.query('commit');
    expect([(await answer).status, (await answer).data]).toEqual([200, expect.objectContaining({ id })]);
    const end = await ended;
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(end.tookMs).toBeLessThan(8_000); // shorter than the limit for slow connections
    await silentEnded;
    const { rows } = await db.query<{ description: string }>('select description from projects where id = $1', [id]);
    expect(last(rows).description).toBe('Done nevertheless.');
  }, 60_000);

  it('a request that has arrived in part is read to its end and answered, and its connection is closed', async () => {
    const [server] = servers;
    if (!server) throw expect.unreachable();
    const line = connect({ host: '127.0.0.1', port: Number(new URL(server.url).port) });
    let heard = '';
    line.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    const closed = new Promise((resolve) => {
      line.once('close', resolve);
    });
    const body = JSON.stringify({ name: 'In two pieces' });
    const ready = `GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    line.write(`${ready}POST /trpc/projects.create HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n`);
    await expect.poll(() => heard).toContain('200 OK'); // so the server has begun to read the second request
    const ended = endOf(server);
    await expect.poll(() => fetch(`${server.url}/livez`).catch(String)).toContain('fetch failed'); // it accepts no more connections
    line.write(`Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await closed;
    const [, answer] = heard.split(/(?=HTTP\/1\.1 )/);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(answer).toMatch(/connection: close/i);
    expect((await db.query("select 1 from projects where name = 'In two pieces'")).rowCount).toBe(1);
    expect(await ended).toMatchObject({ code: 0, signal: null });
  }, 60_000);
});
