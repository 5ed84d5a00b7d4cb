import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Project, PublishedProject } from '../../../src/shared/contract/project.ts';
import type { Database } from '../../../src/shared/node/db/database.ts';
import { toPublished } from '../../../src/shared/node/db/project-record.ts';
import { changeProject, type ProjectPatch } from '../../../src/shared/node/db/projects-repository.ts';
import { createLog } from '../../../src/shared/node/log.ts';
import { projectFor } from '../../../src/shared/node/project-access.ts';
import { createRedis } from '../../../src/shared/node/redis.ts';
import { createStatusPublisher, type StatusPublisher } from '../../../src/shared/node/status-stream.ts';
import { createClient, type Client } from '../../../src/shared/sdk/client.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { openSocket, type RawMessage } from '../../support/raw-socket.ts';
import { createTestDatabase, createTestRedis, type TestDatabase, type TestRedis } from '../../support/services.ts';
import { createTcpProxy, proxyOf, type TcpProxy } from '../../support/tcp-proxy.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

let database: TestDatabase;
let redis: TestRedis;
let redisProxy: TcpProxy;
let server: TestServer;
let db: Database;
let connection: Redis;
let publisher: StatusPublisher;
const clients: Client[] = [];

beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase(), createTestRedis()]);
  const proxied = await proxyOf(redis.url);
  redisProxy = proxied.proxy;
  server = await startTestServer({
    databaseUrl: database.url,
    redisUrl: proxied.url,
    timings: { compareIntervalMs: 300 },
  });
  db = openTestDatabase(database.url, { poolSize: 2 });
  const log = createLog({ name: 'test', level: 'silent' });
  connection = createRedis(redis.url, { purpose: 'blocking', log }); // waits until it is connected
  publisher = createStatusPublisher({ redis: connection, log });
});
afterAll(async () => {
  for (const client of clients) await client.close();
  await server.stop();
  connection.disconnect();
  await redisProxy.close();
  await db.destroy();
  await database.drop();
});

async function signedIn(name: string): Promise<{ client: Client; token: string }> {
  const token = await server.mintToken(name);
  const client = createClient({ url: server.url, token });
  clients.push(client);
  return { client, token };
}

/** Does what the worker does: writes the row and, by default, appends it to the stream. */
async function observe(id: string, patch: ProjectPatch, options = { publish: true }): Promise<Project> {
  const result = await changeProject(db, { id }, () => ({ patch }));
  if (!result) throw new Error(`There is no project ${id}.`);
  const project = toPublished(result.record);
  if (options.publish) await publisher.publish({ type: 'project', project });
  return projectFor(project, project.ownerId);
}

const eventOf = (message: RawMessage) => message.result?.data?.data;
const shows = (statusVersion: number) => (message: RawMessage) => {
  const project = eventOf(message)?.['project'] as Project | undefined;
  return project?.statusVersion === statusVersion;
};

describe('a subscription', () => {
  it('starts with a snapshot and then receives each change', async () => {
    const mine = await signedIn('owner-1');
    const project = await mine.client.projects.create({ name: 'Mine' });
    const socket = await openSocket(server.url, { token: mine.token });
    expect(await socket.subscribe(1)).toEqual({
      type: 'snapshot',
      projects: [project],
      freshness: expect.anything() as unknown,
    });

    const ready = await observe(project.id, { status: 'ready', phase: 'Running' });
    const changed = await socket.message(shows(ready.statusVersion));
    expect(eventOf(changed)).toEqual({ type: 'changed', project: ready });
    expect(changed.result?.data?.id).toMatch(/^\d+-\d+$/);

    const gone = await observe(project.id, {
      status: 'archived',
      desiredState: 'deleted',
      deletedAt: new Date().toISOString(),
    });
    expect(eventOf(await socket.message(shows(gone.statusVersion)))).toMatchObject({ type: 'removed' });
    socket.close();
  });

  it('to one project receives no other project', async () => {
    const mine = await signedIn('owner-3');
    const one = await mine.client.projects.create({ name: 'One' });
    const two = await mine.client.projects.create({ name: 'Two' });
    const socket = await openSocket(server.url, { token: mine.token });
    expect(await socket.subscribe(1, { projectId: one.id })).toMatchObject({ projects: [{ id: one.id }] });
    await observe(two.id, { status: 'ready' });
    const ready = await observe(one.id, { status: 'ready' });
    await socket.message(shows(ready.statusVersion));
    const heard = socket.messages.map((message) => (eventOf(message)?.['project'] as Project | undefined)?.id);
    expect(heard.filter((id) => id !== undefined)).toEqual([one.id]);
    socket.close();
  });

  it('resumes after its last event without a snapshot, and with a snapshot if the event is too old', async ({
    onTestFinished,
  }) => {
    // With the usual interval. A short one sometimes compares between the write of a row and its entry in the stream, and then
    // the subscriber receives a snapshot.
    const unhurried = await startTestServer({ databaseUrl: database.url, redisUrl: redis.url });
    onTestFinished(() => unhurried.stop());
    const { client, token } = await signedIn(`owner-5-${Date.now()}`);
    const { id } = await client.projects.create({ name: 'Resumed' });
    const first = await openSocket(unhurried.url, { token });
    await first.subscribe(1);
    const ready = await observe(id, { status: 'ready' });
    const lastEventId = (await first.message(shows(ready.statusVersion))).result?.data?.id;
    first.ws.terminate();
    const missed = await observe(id, { message: 'Changed while nobody listened.' });

    const second = await openSocket(unhurried.url, { token });
    expect(await second.subscribe(1, { lastEventId })).toMatchObject({ type: 'freshness' });
    expect(eventOf(await second.message(shows(missed.statusVersion)))).toEqual({ type: 'changed', project: missed });
    const third = await openSocket(unhurried.url, { token });
    expect(await third.subscribe(1, { lastEventId: '1-0' })).toMatchObject({ type: 'snapshot', projects: [missed] });
    second.close();
    third.close();
  });

  it('receives what the stream has lost within the interval of the comparison', async () => {
    const { client, token } = await signedIn('owner-6');
    const { id } = await client.projects.create({ name: 'Lost' });
    const socket = await openSocket(server.url, { token });
    await socket.subscribe(1);
    const ready = await observe(id, { status: 'ready' }, { publish: false });
    expect(eventOf(await socket.message(shows(ready.statusVersion)))).toEqual({ type: 'changed', project: ready });
    socket.close();
  });

  it('receives a reset and a snapshot when Redis returns without its stream', async () => {
    const { client, token } = await signedIn('owner-7');
    const { id } = await client.projects.create({ name: 'Wiped' });
    const socket = await openSocket(server.url, { token });
    await socket.subscribe(1);
    redisProxy.cut();
    await redis.flush();
    const ready = await observe(id, { status: 'ready' }, { publish: false });
    redisProxy.restore();
    await socket.message((message) => eventOf(message)?.['type'] === 'reset');
    const isSnapshot = (message: RawMessage) =>
      eventOf(message)?.['type'] === 'snapshot' && message !== socket.messages.find((one) => eventOf(one));
    expect(eventOf(await socket.message(isSnapshot))).toMatchObject({ projects: [ready] });
    socket.close();
  });

  it('reports the freshness from the heartbeats of the watch leader', async () => {
    const { token } = await signedIn('owner-8');
    const socket = await openSocket(server.url, { token });
    await socket.subscribe(1);
    const asOf = '2026-11-01T10:00:00.000Z';
    await publisher.publish({ type: 'heartbeat', reachable: true, asOf });
    await publisher.publish({ type: 'heartbeat', reachable: false, asOf });
    const tells = (state: string) => (message: RawMessage) =>
      (eventOf(message)?.['freshness'] as { state?: string } | undefined)?.state === state;
    await socket.message(tells('live'));
    const event = await socket.message(tells('unreachable'));
    expect(eventOf(event)).toEqual({ type: 'freshness', freshness: { state: 'unreachable', asOf } });
    socket.close();
  });
});

describe('a socket', () => {
  it('is refused at any path other than /trpc', async () => {
    await expect(openSocket(server.url, { path: '/other' })).rejects.toThrow('refused with 404');
  });

  it('of an anonymous caller receives UNAUTHENTICATED, and with a wrong token the reason', async () => {
    const nobody = await openSocket(server.url);
    expect(await nobody.subscribe(1)).toMatchObject({ data: { appCode: 'UNAUTHENTICATED' } });
    const wrong = await openSocket(server.url, { token: 'ocpm_wrong' });
    expect(await wrong.subscribe(1)).toMatchObject({ message: expect.stringContaining('revoked') as string });
    nobody.close();
    wrong.close();
  });

  it('carries at most twenty subscriptions, and accepts another after one was stopped', async () => {
    const { token } = await signedIn('owner-9');
    const socket = await openSocket(server.url, { token });
    for (let id = 1; id <= 20; id += 1) expect(await socket.subscribe(id)).toMatchObject({ type: 'snapshot' });
    expect(await socket.subscribe(21)).toMatchObject({
      message: expect.stringContaining('at most 20') as string,
      data: { appCode: 'RATE_LIMITED' },
    });
    socket.send({ id: 5, method: 'subscription.stop' });
    await socket.message((message) => message.id === 5 && message.result?.type === 'stopped');
    expect(await socket.subscribe(22)).toMatchObject({ type: 'snapshot' });
    socket.close();
  });

  it('handles every unsubscribe, even in the same frame as its subscribe', async () => {
    const { token } = await signedIn('owner-10');
    const socket = await openSocket(server.url, { token });
    const subscribe = (id: number) => ({ id, method: 'subscription', params: { path: 'projects.onChange' } });
    for (let id = 1; id <= 50; id += 1) {
      socket.send([subscribe(id), { id, method: 'subscription.stop' }]);
      await socket.message((message) => message.id === id && message.result?.type === 'stopped');
    }
    socket.close();
  });

  it('refuses queries and mutations', async () => {
    const { token } = await signedIn('owner-11');
    const socket = await openSocket(server.url, { token });
    socket.send({ id: 1, method: 'query', params: { path: 'auth.me' } });
    expect((await socket.message(({ id }) => id === 1)).error?.data).toMatchObject({ appCode: 'UNSUPPORTED' });
    socket.close();
  });

  it.each([
    ['broken JSON', '{'],
    ['JSON that is no call', '5'],
    ['a call without a path', '{"id":1,"method":"subscription"}'],
    ['a call of an unknown method', '{"id":1,"method":"__proto__","params":{"path":"a"}}'],
    ['an unknown field', '{"id":1,"method":"subscription","params":{"path":"projects.onChange","input":{"x":1}}}'],
    ['an input that is no object', '{"id":1,"method":"subscription","params":{"path":"projects.onChange","input":[]}}'],
    ['an unknown procedure', '{"id":1,"method":"subscription","params":{"path":"projects.none"}}'],
  ])('answers %s with an error and stays open', async (_what, frame) => {
    const { token } = await signedIn('owner-12');
    const socket = await openSocket(server.url, { token });
    socket.send(frame);
    const { error } = await socket.message((message) => message.error !== undefined);
    expect(error?.data['httpStatus']).toBeGreaterThanOrEqual(400);
    expect(error?.data['httpStatus']).toBeLessThan(500);
    expect(await socket.subscribe(7)).toMatchObject({ type: 'snapshot' });
    socket.close();
  });

  it('closes on frames that are too large, hold too many calls, or are binary', async () => {
    const { token } = await signedIn('owner-13');
    const closeCodeAfter = async (frame: string | Buffer) => {
      const socket = await openSocket(server.url, { token });
      socket.ws.send(frame);
      return socket.closed;
    };
    expect(await closeCodeAfter('x'.repeat(65 * 1024))).toBe(1009);
    expect(
      await closeCodeAfter(`[${Array(41).fill('{"id":1,"method":"query","params":{"path":"a"}}').join(',')}]`),
    ).toBe(1008);
    expect(await closeCodeAfter(Buffer.from([1, 2, 3]))).toBe(1003);
  });

  it('of a slow reader buffers only the latest version of each project', async () => {
    const { client, token } = await signedIn('owner-14');
    const { id } = await client.projects.create({ name: 'Slow' });
    const socket = await openSocket(server.url, { token });
    await socket.subscribe(1);
    socket.ws.pause();
    let last: PublishedProject | null = null;
    for (let index = 0; index < 12; index += 1) {
      // Enough bytes to fill the buffers of the kernel, which are several megabytes.
      const message = `${index} `.padEnd(200_000, 'x');
      const project = await observe(id, { message }, { publish: false });
      for (let repeat = 0; repeat < 10; repeat += 1) {
        last = { ...project, members: {}, statusVersion: project.statusVersion * 1_000 + repeat };
        await publisher.publish({ type: 'project', project: last });
      }
    }
    await expect.poll(async () => connection.xlen('opencode:status'), { timeout: 5_000 }).toBeGreaterThan(100);
    socket.ws.resume();
    await socket.message(shows(last?.statusVersion ?? -1));
    const versions = socket.messages.flatMap(
      (message) => (eventOf(message)?.['project'] as Project | undefined)?.statusVersion ?? [],
    );
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    expect(versions.length).toBeLessThan(120);
    socket.close();
  });
});

describe('the SDK', () => {
  it('watches across a cut socket without repeating a version, and ends with its signal', async () => {
    const { token } = await signedIn('owner-15');
    const network = await createTcpProxy({ host: '127.0.0.1', port: server.port });
    const client = createClient({ url: `http://127.0.0.1:${network.port}`, token });
    const { id } = await client.projects.create({ name: 'Watched' });
    const abort = new AbortController();
    const observed: string[] = [];
    const watching = (async () => {
      for await (const project of client.watch(id, { signal: abort.signal }))
        observed.push(`${project.status} v${project.statusVersion}`);
    })();
    await expect.poll(() => observed).toEqual(['initializing v1']);
    network.cut();
    await observe(id, { status: 'ready' });
    network.restore();
    await expect.poll(() => observed, { timeout: 5_000 }).toEqual(['initializing v1', 'ready v2']);
    abort.abort();
    await watching;
    await client.close();
    await network.close();
  });

  it('waits for a state, also for the archived state of a project that was deleted while it was disconnected', async () => {
    const { client } = await signedIn('owner-16');
    const { id } = await client.projects.create({ name: 'Awaited' });
    const ready = client.waitFor(id, ({ status }) => status === 'ready');
    await observe(id, { status: 'ready' });
    expect(await ready).toMatchObject({ id, status: 'ready' });
    await observe(id, { status: 'archived', desiredState: 'deleted', deletedAt: new Date().toISOString() });
    expect(await client.waitFor(id, ({ status }) => status === 'archived')).toMatchObject({ status: 'archived' });
  });

  it('reports the last received state when the wait times out', async () => {
    const { client } = await signedIn('owner-17');
    const { id } = await client.projects.create({ name: 'Never' });
    await expect(client.waitFor(id, () => false, { timeoutMs: 300 })).rejects.toMatchObject({
      name: 'WaitTimeout',
      message: expect.stringContaining('It is initializing: Waiting for a worker') as string,
      project: { id },
    });
  });
});

describe('a server that stops', () => {
  it('tells its sockets to connect to another server and exits within three seconds', async () => {
    const other = await startTestServer({ databaseUrl: database.url, redisUrl: redis.url });
    const socket = await openSocket(other.url, { token: await other.mintToken('owner-18') });
    await socket.subscribe(1);
    const startedAt = performance.now();
    await other.stop();
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    await socket.message((message) => message.method === 'reconnect');
    await socket.closed;
    await expect(fetch(`${other.url}/livez`)).rejects.toThrow('fetch failed');
  });
});
