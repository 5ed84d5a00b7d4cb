import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import type { Project } from '../../src/shared/contract/project.ts';
import { createDatabase, type Database } from '../../src/shared/node/db/database.ts';
import { toProject } from '../../src/shared/node/db/project-record.ts';
import { changeProject } from '../../src/shared/node/db/projects-repository.ts';
import { createLog } from '../../src/shared/node/log.ts';
import { createStatusPublisher, type StatusPublisher } from '../../src/shared/node/status-stream.ts';
import { bearer, createApiCall } from '../support/api-call.ts';
import { createOwnRedis, type OwnRedis } from '../support/own-services.ts';
import { startServerProcess } from '../support/processes.ts';
import { openSocket, type RawSocket } from '../support/raw-socket.ts';
import { createTestDatabase, type TestDatabase } from '../support/services.ts';
import { proxyOf, type TcpProxy } from '../support/tcp-proxy.ts';
import { mintToken, startTestServer, type TestServer } from '../support/test-server.ts';

const streamKey = 'opencode:status';
/** No comparison with the database comes to help: what is heard was read from the stream. */
const streamAlone = { compareIntervalMs: 3_600_000 };

let database: TestDatabase;
let redis: OwnRedis;
let db: Database;
let direct: Redis;
let publisher: StatusPublisher;
let token: string;
let projectId: string;
let changes = 0;

beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase(), createOwnRedis()]);
  db = createDatabase(database.url);
  direct = new Redis(redis.url);
  publisher = createStatusPublisher({ redis: direct, log: createLog({ name: 'test', level: 'silent' }) });
  token = await mintToken(database.url, 'user');
  const server = await startTestServer({ databaseUrl: database.url, redisUrl: redis.url });
  const created = await createApiCall(server.url, bearer(token))('projects.create', { body: { name: 'Streamed' } });
  projectId = (created.data as Project).id;
  await server.stop();
});
afterAll(async () => {
  direct.disconnect();
  await db.destroy();
  await Promise.all([redis.stop(), database.drop()]);
});

/** Changes the project as the worker does: first the row, then the stream. Returns its new version. */
async function change(): Promise<number> {
  changes += 1;
  const result = await changeProject(db, { id: projectId }, () => ({ patch: { message: `Change ${changes}` } }));
  if (!result) throw new Error('The project is gone.');
  await publisher.publish({ type: 'project', project: toProject(result.record) });
  return result.record.statusVersion;
}

const beat = () => publisher.publish({ type: 'heartbeat', reachable: true, asOf: new Date().toISOString() });

/** A server that reaches Redis through a proxy of its own, and reads the stream. */
async function startServer(timings: NonNullable<Parameters<typeof startTestServer>[0]['timings']> = {}) {
  const { url, proxy } = await proxyOf(redis.url);
  const server = await startTestServer({ databaseUrl: database.url, redisUrl: url, timings });
  onTestFinished(async () => {
    proxy.restore();
    await server.stop();
    await proxy.close();
  });
  await expect.poll(readers, { timeout: 10_000, interval: 20 }).not.toEqual([]);
  return { server, proxy };
}

async function subscribe(server: Pick<TestServer, 'url'>, input?: { lastEventId: string }): Promise<RawSocket> {
  const socket = await openSocket(server.url, { token });
  onTestFinished(() => socket.close());
  await socket.subscribe(1, input);
  if (!input) await expect.poll(() => typesOf(socket), { timeout: 10_000, interval: 20 }).toContain('snapshot');
  return socket;
}

const eventsOf = (socket: RawSocket) => socket.messages.flatMap((message) => message.result?.data ?? []);
const typesOf = (socket: RawSocket) => eventsOf(socket).map(({ data }) => data['type']);

/** The versions in the order in which they came, by changes and snapshots alike. */
function versionsHeard(socket: RawSocket): { version: number; by: 'snapshot' | 'changed' }[] {
  return eventsOf(socket).flatMap(({ data }) => {
    const project = (data['project'] ?? (data['projects'] as Project[] | undefined)?.[0]) as Project | undefined;
    if (!project) return [];
    return [
      {
        version: project.statusVersion,
        by: data['type'] === 'snapshot' ? ('snapshot' as const) : ('changed' as const),
      },
    ];
  });
}

/** Nothing twice and nothing backwards; only a snapshot may repeat what is known. */
function expectRising(socket: RawSocket): void {
  let newest = 0;
  for (const { version, by } of versionsHeard(socket)) {
    expect(version).toBeGreaterThan(by === 'snapshot' ? newest - 1 : newest);
    newest = version;
  }
}

async function untilHeard(socket: RawSocket, version: number, timeout: number): Promise<void> {
  await expect
    .poll(() => versionsHeard(socket).at(-1)?.version ?? 0, { timeout, interval: 20 })
    .toBeGreaterThanOrEqual(version);
}

/** The connections on which a server waits for the stream. */
async function readers(): Promise<string[]> {
  const list = String(await direct.client('LIST'));
  return list.split('\n').flatMap((line) => (line.includes(' cmd=xread ') ? (/\bid=(\d+)/.exec(line)?.[1] ?? []) : []));
}

/** Trims everything that is there, as more than 20,000 later entries do, and leaves one that is younger. */
async function trim(): Promise<void> {
  await direct.xtrim(streamKey, 'MAXLEN', 0);
  await beat();
}

const losses: Record<string, (proxy: TcpProxy) => Promise<void>> = {
  'killed by Redis': async () => {
    for (const id of await readers()) await direct.client('KILL', 'ID', id);
  },
  'reset on the way': async (proxy) => proxy.reset(),
  'cut, and refused for a while': async (proxy) => {
    proxy.cut();
    for (let count = 0; count < 20; count += 1) await change();
    proxy.restore();
  },
};

describe('fault 7: the connection of the stream’s reader is lost', () => {
  it.each(Object.entries(losses))(
    '%s: it reads on from where it was; nothing is missed, repeated or out of order',
    async (_, lose) => {
      const { server, proxy } = await startServer(streamAlone);
      const socket = await subscribe(server);
      await untilHeard(socket, await change(), 5_000);
      for (let round = 0; round < 3; round += 1) {
        for (let count = 0; count < 10; count += 1) await change();
        await Promise.all([lose(proxy), change()]);
        for (let count = 0; count < 10; count += 1) await change();
        await untilHeard(socket, await change(), 10_000);
      }
      expectRising(socket);
      expect(typesOf(socket)).not.toContain('reset');
    },
    60_000,
  );

  it('half open, so that it never hears of its end: no screen is stale after 10 s', async () => {
    const { server, proxy } = await startServer();
    const socket = await subscribe(server);
    await untilHeard(socket, await change(), 10_000);
    proxy.halfOpen();
    for (let round = 0; round < 2; round += 1) {
      const version = await change();
      await untilHeard(socket, version, 10_000);
    }
    expectRising(socket);
  }, 60_000);

  it('half open: the reader finds out by itself and reads on', async () => {
    const { server, proxy } = await startServer(streamAlone);
    const socket = await subscribe(server);
    await untilHeard(socket, await change(), 5_000);
    proxy.halfOpen();
    await untilHeard(socket, await change(), 20_000);
    expectRising(socket);
    expect(typesOf(socket)).not.toContain('reset');
  }, 60_000);

  const gaps: Record<string, () => Promise<unknown>> = {
    trimmed: trim,
    'wiped with all of Redis': () => direct.flushall(),
  };

  it.each(Object.entries(gaps))(
    'what it missed was %s: everything is read anew',
    async (_, forget) => {
      const { server, proxy } = await startServer(streamAlone);
      const socket = await subscribe(server);
      await untilHeard(socket, await change(), 5_000);
      proxy.cut();
      const missed = await change();
      await forget();
      proxy.restore();
      await untilHeard(socket, missed, 10_000);
      expect(typesOf(socket).filter((type) => type !== 'freshness')).toEqual([
        'snapshot',
        'changed',
        'reset',
        'snapshot',
      ]);
      await untilHeard(socket, await change(), 5_000);
      expectRising(socket);
    },
    30_000,
  );

  it('nobody resumes across what was missed, though others have read everything anew', async () => {
    const { server, proxy } = await startServer(streamAlone);
    const [leaving, staying] = [await subscribe(server), await subscribe(server)];
    const known = await change();
    await Promise.all([untilHeard(leaving, known, 5_000), untilHeard(staying, known, 5_000)]);
    const lastEventId = eventsOf(leaving).at(-1)?.id ?? '';
    leaving.close();
    proxy.cut();
    const missed = await change();
    await trim();
    proxy.restore();
    await untilHeard(staying, missed, 10_000);
    const returning = await subscribe(server, { lastEventId });
    await untilHeard(returning, missed, 2_000);
  }, 30_000);

  it('a server that was frozen while more was appended than the stream holds reads everything anew', async () => {
    const server = await startServerProcess({ databaseUrl: database.url, redisUrl: redis.url });
    onTestFinished(() => void server.kill());
    const socket = await subscribe(server);
    await untilHeard(socket, await change(), 10_000);
    server.freeze();
    const missed = await change();
    for (let count = 0; count < 1_000; count += 1) await beat();
    await direct.xtrim(streamKey, 'MAXLEN', 600);
    server.thaw();
    await untilHeard(socket, missed, 10_000);
    await expect.poll(() => typesOf(socket), { timeout: 5_000 }).toContain('reset');
    expectRising(socket);
  }, 60_000);
});
