import { randomUUID } from 'node:crypto';

import { Redis } from 'ioredis';
import { describe, expect, test, vi } from 'vitest';

import type { ServerTimings } from '../../src/server/context.ts';
import { kubernetesNames } from '../../src/server/projects/names.ts';
import type { Project } from '../../src/shared/contract/project.ts';
import { toPublished } from '../../src/shared/node/db/project-record.ts';
import { changeProject, insertProject } from '../../src/shared/node/db/projects-repository.ts';
import { upsertUser } from '../../src/shared/node/db/users-repository.ts';
import { createLog } from '../../src/shared/node/log.ts';
import { createStatusPublisher } from '../../src/shared/node/status-stream.ts';
import { openTestDatabase } from '../support/open-test-database.ts';
import { createOwnRedis } from '../support/own-services.ts';
import { startServerProcess } from '../support/processes.ts';
import { openSocket, type RawSocket } from '../support/raw-socket.ts';
import { createTestDatabase } from '../support/services.ts';
import { proxyOf, type TcpProxy } from '../support/tcp-proxy.ts';
import { testIssuer } from '../support/test-issuer.ts';
import { mintToken, startTestServer, type TestServer } from '../support/test-server.ts';

const streamKey = 'opencode:status';
/** With these timings no comparison with the database repairs a screen: all that it shows was read from the stream. */
const streamAlone = { compareIntervalMs: 3_600_000 };

type Stream = Awaited<ReturnType<typeof createStream>>;

/** A Redis, a database and a project of one test, and the stream to which the test publishes as the worker does. */
async function createStream(onCleanup: (step: () => Promise<void>) => void) {
  const [database, redis] = await Promise.all([createTestDatabase(), createOwnRedis()]);
  const db = openTestDatabase(database.url, { poolSize: 2 });
  const direct = new Redis(redis.url);
  const publisher = createStatusPublisher({ redis: direct, log: createLog({ name: 'test', level: 'silent' }) });
  onCleanup(async () => {
    direct.disconnect();
    await db.destroy();
    await Promise.all([redis.stop(), database.drop()]);
  });
  const token = await mintToken(database.url, 'user');
  const id = randomUUID();
  const owner = await upsertUser(db, { issuer: testIssuer, subject: 'user', email: null, name: 'User', picture: null });
  const project = { id, ownerId: owner.id, idempotencyKey: null, name: 'Streamed', description: '', repoUrl: null };
  const names = { namespace: 'opencode', ...kubernetesNames(id) };
  await db.transaction((trx) => insertProject(trx, { ...project, ...names }, { maxProjects: 1 }));
  let changes = 0;

  const beat = () => publisher.publish({ type: 'heartbeat', reachable: true, asOf: new Date().toISOString() });
  const stream = {
    places: { databaseUrl: database.url, redisUrl: redis.url },
    direct,
    beat,
    /** Changes the project as the worker does: first the row, then the stream. Returns its new version. */
    async change(): Promise<number> {
      changes += 1;
      const result = await changeProject(db, { id }, () => ({ patch: { message: `Change ${changes}` } }));
      if (!result) throw new Error('There is no project.');
      await publisher.publish({ type: 'project', project: toPublished(result.record) });
      return result.record.statusVersion;
    },
    /** The ids of the connections on which a server waits for the stream. */
    async readers(): Promise<string[]> {
      const list = String(await direct.client('LIST'));
      const lines = list.split('\n').filter((line) => line.includes(' cmd=xread '));
      return lines.flatMap((line) => /\bid=(\d+)/.exec(line)?.[1] ?? []);
    },
    /** Trims all entries, as more than 20,000 later entries do, and appends one. */
    async trim(): Promise<void> {
      await direct.xtrim(streamKey, 'MAXLEN', 0);
      await beat();
    },
    /** Starts a server that reaches Redis through a proxy, and waits until it reads the stream. */
    async startServer(timings: Partial<ServerTimings> = {}) {
      const { url, proxy } = await proxyOf(redis.url);
      const server = await startTestServer({ databaseUrl: database.url, redisUrl: url, timings });
      onCleanup(async () => {
        proxy.restore();
        await server.stop();
        await proxy.close();
      });
      await vi.waitFor(async () => expect(await stream.readers()).not.toEqual([]), 10_000);
      return { server, proxy };
    },
    async subscribe(server: Pick<TestServer, 'url'>, input?: { lastEventId: string }): Promise<RawSocket> {
      const socket = await openSocket(server.url, { token });
      onCleanup(async () => socket.close());
      await socket.subscribe(1, input);
      if (!input) await vi.waitFor(() => expect(typesOf(socket)).toContain('snapshot'), 10_000);
      return socket;
    },
  };
  return stream;
}

// oxlint-disable-next-line no-empty-pattern -- vitest reads the names of the fixtures from this pattern
const it = test.extend('stream', async ({}, { onCleanup }) => {
  const steps: (() => Promise<void>)[] = [];
  onCleanup(async () => {
    for (const step of steps.toReversed()) await step();
  });
  return createStream((step) => steps.push(step));
});

const eventsOf = (socket: RawSocket) => socket.messages.flatMap((message) => message.result?.data ?? []);
const typesOf = (socket: RawSocket) => eventsOf(socket).map(({ data }) => data['type']);

/** The versions in the order in which they arrived, in changes and snapshots. */
function versionsReceived(socket: RawSocket): { version: number; by: 'snapshot' | 'changed' }[] {
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

/** Versions only rise. Only a snapshot may repeat the version that is known already. */
function expectRising(socket: RawSocket): void {
  let newest = 0;
  for (const { version, by } of versionsReceived(socket)) {
    expect(version).toBeGreaterThan(by === 'snapshot' ? newest - 1 : newest);
    newest = version;
  }
}

async function untilReceived(socket: RawSocket, version: number, timeout: number): Promise<void> {
  const newest = () => versionsReceived(socket).at(-1)?.version ?? 0;
  await vi.waitFor(() => expect(newest()).toBeGreaterThanOrEqual(version), { timeout, interval: 20 });
}

const losses: Record<string, (proxy: TcpProxy, stream: Stream) => Promise<void>> = {
  'Redis closes the connection': async (_, { direct, readers }) => {
    for (const id of await readers()) await direct.client('KILL', 'ID', id);
  },
  'the connection is reset': async (proxy) => proxy.reset(),
  'the connection is reset, and refused for a while': async (proxy, { change }) => {
    proxy.cut();
    for (let count = 0; count < 20; count += 1) await change();
    proxy.restore();
  },
};

describe.concurrent('fault 7: the server loses its connection to the stream', () => {
  it.for(Object.entries(losses))(
    '%s: the server continues where it was, and no change is lost, repeated or out of order',
    { timeout: 60_000 },
    async ([, lose], { stream }) => {
      const { change } = stream;
      const { server, proxy } = await stream.startServer(streamAlone);
      const socket = await stream.subscribe(server);
      await untilReceived(socket, await change(), 5_000);
      for (let round = 0; round < 3; round += 1) {
        for (let count = 0; count < 10; count += 1) await change();
        await Promise.all([lose(proxy, stream), change()]);
        for (let count = 0; count < 10; count += 1) await change();
        await untilReceived(socket, await change(), 10_000);
      }
      expectRising(socket);
      expect(typesOf(socket)).not.toContain('reset');
    },
  );

  it('when the connection is half open, no screen is stale after 10 s', async ({ stream }) => {
    const { change } = stream;
    const { server, proxy } = await stream.startServer();
    const socket = await stream.subscribe(server);
    await untilReceived(socket, await change(), 10_000);
    proxy.halfOpen();
    for (let round = 0; round < 2; round += 1) {
      const version = await change();
      await untilReceived(socket, version, 10_000);
    }
    expectRising(socket);
  }, 60_000);

  it('when the connection is half open, the server notices it and continues', async ({ stream }) => {
    const { change } = stream;
    const { server, proxy } = await stream.startServer(streamAlone);
    const socket = await stream.subscribe(server);
    await untilReceived(socket, await change(), 5_000);
    proxy.halfOpen();
    await untilReceived(socket, await change(), 20_000);
    expectRising(socket);
    expect(typesOf(socket)).not.toContain('reset');
  }, 60_000);

  const removals: Record<string, (stream: Stream) => Promise<unknown>> = {
    'were trimmed from the stream': ({ trim }) => trim(),
    'were lost with all data of Redis': ({ direct }) => direct.flushall(),
  };

  it.for(Object.entries(removals))(
    'when entries that the server has not read %s, it reads everything again',
    { timeout: 30_000 },
    async ([, remove], { stream }) => {
      const { change } = stream;
      const { server, proxy } = await stream.startServer(streamAlone);
      const socket = await stream.subscribe(server);
      await untilReceived(socket, await change(), 5_000);
      proxy.cut();
      const missed = await change();
      await remove(stream);
      proxy.restore();
      await untilReceived(socket, missed, 10_000);
      expect(typesOf(socket).filter((type) => type !== 'freshness')).toEqual([
        'snapshot',
        'changed',
        'reset',
        'snapshot',
      ]);
      await untilReceived(socket, await change(), 5_000);
      expectRising(socket);
    },
  );

  it('a client cannot resume across entries that were lost, even when others have read everything again', async ({
    stream,
  }) => {
    const { change, trim } = stream;
    const { server, proxy } = await stream.startServer(streamAlone);
    const [leaving, staying] = [await stream.subscribe(server), await stream.subscribe(server)];
    const known = await change();
    await Promise.all([untilReceived(leaving, known, 5_000), untilReceived(staying, known, 5_000)]);
    const lastEventId = eventsOf(leaving).at(-1)?.id ?? '';
    leaving.close();
    proxy.cut();
    const missed = await change();
    await trim();
    proxy.restore();
    await untilReceived(staying, missed, 10_000);
    const returning = await stream.subscribe(server, { lastEventId });
    await untilReceived(returning, missed, 2_000);
  }, 30_000);

  it('a server that was frozen while the stream was trimmed reads everything again', async ({
    stream,
    onTestFinished,
  }) => {
    const { beat, change, direct, places } = stream;
    const server = await startServerProcess(places);
    onTestFinished(() => void server.kill());
    const socket = await stream.subscribe(server);
    await untilReceived(socket, await change(), 10_000);
    server.freeze();
    const missed = await change();
    for (let count = 0; count < 1_000; count += 1) await beat();
    await direct.xtrim(streamKey, 'MAXLEN', 600);
    server.thaw();
    await untilReceived(socket, missed, 10_000);
    await vi.waitFor(() => expect(typesOf(socket)).toContain('reset'), 5_000);
    expectRising(socket);
  }, 60_000);
});
