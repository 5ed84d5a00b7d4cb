import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Redis } from 'ioredis';
import { expect, it, onTestFinished } from 'vitest';

import { findOnPath } from '../../src/embedded/process/find-on-path.ts';
import { createLog } from '../../src/shared/node/log.ts';
import { createRedis } from '../../src/shared/node/redis.ts';
import { findKeptPort } from '../support/kept-port.ts';
import { createOwnRedis } from '../support/own-services.ts';
import { readMetric } from '../support/read-metric.ts';
import { createTestDatabase } from '../support/services.ts';
import { createTcpProxy } from '../support/tcp-proxy.ts';
import { startTestServer } from '../support/test-server.ts';
import { createWorkerSystem, startQuickCluster } from '../support/worker-system.ts';

/** The embedded Redis may have another place, and no program of this name is on the path. */
const program = ['redis-server', 'valkey-server']
  .map((name) => findOnPath(name, process.env['PATH'] ?? ''))
  .find((path) => path !== null);
const log = createLog({ name: 'test', level: 'silent' });

it.each(['producer', 'blocking'] as const)(
  'fault 36: a %s whose Redis became a replica writes to the new primary, at the same address',
  async (purpose) => {
    const [before, after] = await Promise.all([createOwnRedis(), createOwnRedis()]);
    onTestFinished(async () => void (await Promise.all([before.stop(), after.stop()])));
    const onServer = async (url: string, work: (redis: Redis) => Promise<unknown>) => {
      const admin = new Redis(url);
      await work(admin);
      admin.disconnect();
    };
    const url = new URL(before.url);
    await onServer(after.url, (admin) => admin.config('SET', 'requirepass', url.password));
    const address = { host: '127.0.0.1', port: Number(url.port) };
    const proxy = await createTcpProxy(address);
    onTestFinished(() => proxy.close());
    const redis = createRedis(Object.assign(url, { port: proxy.port }).href, { purpose, log });
    onTestFinished(() => redis.disconnect());
    await expect.poll(() => redis.set('key', 'old').catch(String)).toBe('OK');

    // The open connection stays with the old primary. New ones reach the new primary.
    address.port = Number(new URL(after.url).port);
    await onServer(before.url, (admin) => admin.replicaof('127.0.0.1', address.port));
    await expect.poll(() => redis.set('key', 'new').catch(String), { timeout: 5_000 }).toBe('OK');
  },
);

it('fault 36: after a failover to the replica of Redis the queue carries out commands within 30 s', async () => {
  const [old, replica, cluster] = await Promise.all([createOwnRedis(), createOwnRedis(), startQuickCluster()]);
  onTestFinished(async () => void (await Promise.all([old.stop(), replica.stop(), cluster.stop()])));
  const [oldPort, newPort] = [Number(new URL(old.url).port), Number(new URL(replica.url).port)];
  const [oldAdmin, newAdmin] = [new Redis(old.url), new Redis(replica.url)];
  const { password } = new URL(old.url);
  await newAdmin.config('SET', 'requirepass', password);
  await oldAdmin.config('SET', 'repl-diskless-sync-delay', '0');
  for (const admin of [oldAdmin, newAdmin]) await admin.config('SET', 'masterauth', password);
  await newAdmin.replicaof('127.0.0.1', oldPort);
  await expect.poll(() => newAdmin.info('replication'), { timeout: 10_000 }).toContain('master_link_status:up');

  const address = { host: '127.0.0.1', port: oldPort };
  const proxy = await createTcpProxy(address);
  onTestFinished(() => proxy.close());
  const url = Object.assign(new URL(old.url), { port: proxy.port }).href;
  const system = await createWorkerSystem(cluster, { redis: { ...old, url } });
  onTestFinished(() => system.stop());
  const worker = await system.startWorker();
  const jobsDone = async () =>
    readMetric(await worker.metrics.registry.metrics(), 'opencode_jobs_total', { name: 'create-pod', outcome: 'done' });
  await system.until((await system.create()).id, { status: 'ready' });
  await expect.poll(jobsDone).toBeGreaterThan(0);
  const before = await jobsDone();

  // All connections stay open, and lead to a Redis that takes no writes any more.
  await newAdmin.replicaof('NO', 'ONE');
  address.port = newPort;
  await oldAdmin.replicaof('127.0.0.1', newPort);
  const failedOverAt = performance.now();
  for (const admin of [oldAdmin, newAdmin]) admin.disconnect();
  await system.until((await system.create()).id, { status: 'ready' }, 15_000);
  await expect
    .poll(
      async () => {
        await system.create();
        return jobsDone();
      },
      { timeout: 30_000, interval: 200 },
    )
    .toBeGreaterThan(before);
  expect(performance.now() - failedOverAt).toBeLessThan(30_000);
}, 60_000);

it.skipIf(program === undefined).each([
  ['Cluster', ['--cluster-enabled', 'yes'], []],
  ['Sentinel', [], ['--sentinel']],
] as const)('the address of a Redis %s ends the start with one sentence', async (mode, settings, last) => {
  const folder = await mkdtemp(join(tmpdir(), 'opencode-redis-mode-'));
  const port = await findKeptPort();
  await writeFile(join(folder, 'redis.conf'), `port ${port}\nbind 127.0.0.1\n`);
  const child = spawn(String(program), [join(folder, 'redis.conf'), ...settings, ...last], {
    cwd: folder,
    stdio: 'ignore',
  });
  const database = await createTestDatabase();
  onTestFinished(async () => {
    const ended = once(child, 'exit');
    child.kill();
    await ended;
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  });
  const redisUrl = `redis://127.0.0.1:${port}`;
  const probe = new Redis(redisUrl, { retryStrategy: () => 20 });
  probe.on('error', () => undefined); // it starts
  await expect.poll(() => probe.ping()).toBe('PONG');
  probe.disconnect();
  await expect(startTestServer({ databaseUrl: database.url, redisUrl })).rejects.toThrow(
    new RegExp(`REDIS_URL.*${mode}`),
  );
});
