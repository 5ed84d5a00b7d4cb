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
/** Of one change on the wire, about. */
const changeBytes = 4_000;
/** Far below what a slow reader's share of the changes comes to (hundreds of megabytes), far above the noise. */
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

/** Appends that many changes, spread over all projects, as the worker would; resolves to the last version of each. */
async function publishChanges(count: number): Promise<Map<string, number>> {
  const last = new Map<string, number>();
  for (let index = 0; index < count; index += projectCount) {
    projects = projects.map((project, at) => ({
      ...project,
      statusVersion: project.statusVersion + 1,
      message: `${index + at} `.padEnd(changeBytes - 1_000, 'x'),
    }));
    await Promise.all(projects.map((project) => publisher.publish({ type: 'project', project })));
    await delay(5); // a stream of changes, not one heap of them
  }
  for (const { id, statusVersion } of projects) last.set(id, statusVersion);
  return last;
}

/** The newest version of each project that has arrived. */
function heardBy({ messages }: RawSocket): Map<string, number> {
  const heard = new Map<string, number>();
  for (const { result } of messages) {
    const project = result?.data?.data['project'] as Project | undefined;
    if (project) heard.set(project.id, project.statusVersion);
  }
  return heard;
}

async function subscribed(count: number): Promise<RawSocket> {
  const socket = await openSocket(server.url, { token });
  for (let id = 1; id <= count; id += 1) expect(await socket.subscribe(id)).toMatchObject({ type: 'snapshot' });
  return socket;
}

describe('fault 22: a subscriber that reads slowly', () => {
  it('is closed at the limit; memory is flat; others hear everything in time', async () => {
    const quick = await subscribed(1);
    // The buffers of the server fill with the changes of the last minutes, whoever reads them: that is no leak.
    await publishChanges(6_000);
    const before = await memoryOf(server);

    const slow = await subscribed(20); // as many as a socket may carry
    slow.ws.pause();
    const pausedAt = performance.now();
    let peak = 0;
    let longestMs = 0;
    let closedAfterMs: number | null = null;
    while (closedAfterMs === null && performance.now() - pausedAt < 45_000) {
      const last = await publishChanges(400);
      const publishedAt = performance.now();
      await expect.poll(() => heardBy(quick), { timeout: 10_000, interval: 10 }).toEqual(last);
      longestMs = Math.max(longestMs, performance.now() - publishedAt);
      peak = Math.max(peak, await memoryOf(server));
      if ((await server.metric('opencode_sockets')) === 1) closedAfterMs = performance.now() - pausedAt;
      quick.messages.length = 0;
    }
    expect(closedAfterMs).toBeGreaterThan(15_000); // it had its time
    expect(closedAfterMs).toBeLessThan(30_000);
    expect(longestMs).toBeLessThan(2_000);
    expect(peak - before).toBeLessThan(flatBytes);
    slow.ws.resume();
    expect([1013, 1006]).toContain(await slow.closed);
    quick.close();
  }, 90_000);
});
