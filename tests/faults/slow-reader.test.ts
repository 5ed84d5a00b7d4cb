import { setTimeout as delay } from 'node:timers/promises';

import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Project } from '../../src/shared/contract/project.ts';
import { createLog } from '../../src/shared/node/log.ts';
import { createRedis } from '../../src/shared/node/redis.ts';
import { createStatusPublisher, type StatusPublisher } from '../../src/shared/node/status-stream.ts';
import { createClient, type Client } from '../../src/shared/sdk/client.ts';
import { startServerProcess, type ServiceProcess } from '../support/processes.ts';
import { openSocket, type RawSocket } from '../support/raw-socket.ts';
import { collectingGarbage, memoryOf } from '../support/server-memory.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../support/services.ts';
import { mintToken } from '../support/test-server.ts';

const projectCount = 20;
/** The approximate size of one change on the wire. */
const changeBytes = 4_000;
/** Far less than all changes for the slow reader (hundreds of megabytes), and far more than the noise. */
const flatBytes = 25_000_000;

let database: TestDatabase;
let server: ServiceProcess;
let connection: Redis;
let publisher: StatusPublisher;
let client: Client;
let token: string;
let projects: Project[];

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  const env = collectingGarbage;
  server = await startServerProcess({ databaseUrl: database.url, redisUrl: redis.url, env });
  const log = createLog({ name: 'test', level: 'silent' });
  connection = createRedis(redis.url, { purpose: 'blocking', log });
  publisher = createStatusPublisher({ redis: connection, log });
  token = await mintToken(database.url, 'anna');
  client = createClient({ url: server.url, token });
  projects = await Promise.all(
    Array.from({ length: projectCount }, (_, index) => client.projects.create({ name: `Project ${index}` })),
  );
});
afterAll(async () => {
  await client.close();
  await server.kill();
  await connection.flushdb();
  connection.disconnect();
  await database.drop();
});

/**
 * Publishes changes of all projects, as the worker does. Resolves to the last version of each project.
 *
 * @param pauseMs after each change of all projects: they arrive over time, not all at once
 */
async function publishChanges(count: number, pauseMs: number): Promise<Map<string, number>> {
  const last = new Map<string, number>();
  for (let index = 0; index < count; index += projectCount) {
    projects = projects.map((project, at) => ({
      ...project,
      statusVersion: project.statusVersion + 1,
      message: `${index + at} `.padEnd(changeBytes - 1_000, 'x'),
    }));
    await Promise.all(
      projects.map((project) => publisher.publish({ type: 'project', project: { ...project, members: {} } })),
    );
    await delay(pauseMs);
  }
  for (const { id, statusVersion } of projects) last.set(id, statusVersion);
  return last;
}

/** The newest received version of each project. */
function receivedBy({ messages }: RawSocket): Map<string, number> {
  const received = new Map<string, number>();
  for (const { result } of messages) {
    const project = result?.data?.data['project'] as Project | undefined;
    if (project) received.set(project.id, project.statusVersion);
  }
  return received;
}

async function subscribed(count: number): Promise<RawSocket> {
  const socket = await openSocket(server.url, { token });
  for (let id = 1; id <= count; id += 1) expect(await socket.subscribe(id)).toMatchObject({ type: 'snapshot' });
  return socket;
}

describe('fault 22: a subscriber that reads slowly', () => {
  it('is closed at the limit, memory stays flat, and others receive everything in time', async () => {
    const quick = await subscribed(1);
    // The server buffers the changes of the last minutes for every subscriber. That is not a leak.
    await publishChanges(6_000, 5);
    const before = await memoryOf(server);

    const slow = await subscribed(20); // the maximum of a socket
    slow.ws.pause();
    const pausedAt = performance.now();
    let peak = 0;
    let longestMs = 0;
    let closedAfterMs: number | null = null;
    while (closedAfterMs === null && performance.now() - pausedAt < 45_000) {
      const last = await publishChanges(400, 25); // 32 MB for the slow reader
      const publishedAt = performance.now();
      await expect.poll(() => receivedBy(quick), { timeout: 10_000, interval: 10 }).toEqual(last);
      longestMs = Math.max(longestMs, performance.now() - publishedAt);
      peak = Math.max(peak, await memoryOf(server));
      if ((await server.metric('opencode_sockets')) === 1) closedAfterMs = performance.now() - pausedAt;
      quick.messages.length = 0;
    }
    expect(closedAfterMs).toBeGreaterThan(15_000); // it was not closed too early
    expect(closedAfterMs).toBeLessThan(30_000);
    expect(longestMs).toBeLessThan(2_000);
    expect(peak - before).toBeLessThan(flatBytes);
    slow.ws.resume();
    expect([1013, 1006]).toContain(await slow.closed);
    quick.close();
  }, 90_000);
});
