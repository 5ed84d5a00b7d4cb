import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';

import { createEmbeddedKubernetes } from '../../src/embedded/kubernetes/embedded-kubernetes.ts';
import { isAlive } from '../../src/embedded/process/process-info.ts';
import { descendantsOf } from './freeze.ts';
import { createOwnPostgres, createOwnRedis, type OwnRedis, type OwnService } from './own-services.ts';
import { startServerProcess, startWorkerProcess } from './processes.ts';
import { readMetric } from './read-metric.ts';
import { runInAnotherProcess } from './run-in-another-process.ts';
import { createDataDir } from './started-system.ts';

let postgres: OwnService;
let redis: OwnRedis;

beforeAll(async () => {
  [postgres, redis] = await Promise.all([createOwnPostgres(), createOwnRedis()]);
});
afterAll(() => Promise.all([postgres.stop(), redis.stop()]));

async function query(sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: postgres.url, connectionTimeoutMillis: 500, query_timeout: 500 });
  client.on('error', () => undefined); // the query says it
  try {
    await client.connect();
    return (await client.query(sql)).rows as unknown[]; // what the statement selects
  } finally {
    await client.end().catch(() => undefined);
  }
}

function connectRedis(): Redis {
  const connection = new Redis(redis.url, { maxRetriesPerRequest: 1, commandTimeout: 500 });
  connection.on('error', () => undefined); // the command says it
  onTestFinished(() => connection.disconnect());
  return connection;
}

const stateOf = (pid: number) => /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];

describe('a PostgreSQL of its own', () => {
  it('is migrated, and comes back on its port with its data after a kill -9', async () => {
    await query("insert into users (oidc_subject, name) values ('kept', 'Kept')");
    await postgres.kill();
    await expect(query('select 1')).rejects.toThrow('ECONNREFUSED');
    await postgres.start();
    expect(await query('select name from users')).toEqual([{ name: 'Kept' }]);
  });

  it('answers nobody while it is frozen, not even on a connection that it has, and goes on when it is thawed', async () => {
    const held = new Client({ connectionString: postgres.url, query_timeout: 500 });
    await held.connect();
    postgres.freeze();
    await expect(held.query('select 1')).rejects.toThrow('timeout');
    await expect(query('select 1')).rejects.toThrow('timeout');
    postgres.thaw();
    expect(await query('select 1 as one')).toEqual([{ one: 1 }]);
    await held.end();
  });

  it('can be killed while it is frozen', async () => {
    postgres.freeze();
    const pids = [postgres.pid() ?? 0, ...descendantsOf(postgres.pid() ?? 0)];
    expect(pids.length).toBeGreaterThan(3);
    await postgres.kill();
    expect(pids.filter(isAlive)).toEqual([]);
    await postgres.start();
    expect(await query('select 1 as one')).toEqual([{ one: 1 }]);
  });
});

describe('a Redis of its own', () => {
  it('comes back on its port with its data after a kill -9', async () => {
    await connectRedis().set('kept', 'yes');
    await redis.kill();
    await redis.start();
    expect(await connectRedis().get('kept')).toBe('yes');
  });

  it('refuses writes while it is full, and takes them again when it is not', async () => {
    await redis.fill();
    await expect(connectRedis().set('more', '1')).rejects.toThrow('OOM');
    await redis.empty();
    expect(await connectRedis().set('more', '1')).toBe('OK');
  });

  it('forgets everything when told to', async () => {
    await connectRedis().set('kept', 'yes');
    await redis.flushAll();
    expect(await connectRedis().dbsize()).toBe(0);
  });

  it('answers nobody while it is frozen', async () => {
    const connection = connectRedis();
    await connection.ping();
    redis.freeze();
    await expect(connection.ping()).rejects.toThrow('timed out');
    redis.thaw();
    await vi.waitFor(() => expect(connection.ping()).resolves.toBe('PONG'), 5_000);
  });
});

it('what is frozen ends with its starter, even when that one is killed', async () => {
  const { dataDir, remove } = createDataDir();
  onTestFinished(remove); // the starter that is killed cannot
  const starter = await runInAnotherProcess(`
    process.env.TMPDIR = ${JSON.stringify(dataDir)};
    const { createOwnPostgres, createOwnRedis } = await import(${JSON.stringify(join(import.meta.dirname, 'own-services.ts'))});
    const { startServerProcess } = await import(${JSON.stringify(join(import.meta.dirname, 'processes.ts'))});
    const [postgres, redis] = await Promise.all([createOwnPostgres(), createOwnRedis()]);
    const options = { databaseUrl: postgres.url, redisUrl: redis.url };
    const [frozen, running] = await Promise.all([startServerProcess(options), startServerProcess(options)]);
    for (const one of [postgres, redis, frozen]) one.freeze();
    tell(JSON.stringify([postgres.pid(), redis.pid(), frozen.pid, running.pid]));
  `);
  const pids = JSON.parse(starter.told) as number[]; // told by the code above
  expect(pids.map(stateOf)).toEqual(['T', 'T', 'T', 'S']);
  await starter.killHard();
  await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), { timeout: 15_000, interval: 50 });
}, 60_000);

describe('our programs as processes', () => {
  it('a server shows its metrics, answers nobody while it is frozen, and stops when it is asked to', async () => {
    const server = await startServerProcess({ databaseUrl: postgres.url, redisUrl: redis.url });
    onTestFinished(() => void server.kill());
    expect(await server.metric('opencode_sockets')).toBe(0);
    server.freeze();
    await expect(fetch(`${server.url}/livez`, { signal: AbortSignal.timeout(300) })).rejects.toThrow('timeout');
    server.thaw();
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(server.output()).toContain('the server stops');
  });

  it('a server can be killed while it is frozen and another one takes its place', async () => {
    const first = await startServerProcess({ databaseUrl: postgres.url, redisUrl: redis.url });
    first.freeze();
    expect(await first.kill()).toEqual({ code: null, signal: 'SIGKILL' });
    const { port } = new URL(first.url);
    const second = await startServerProcess({ databaseUrl: postgres.url, redisUrl: redis.url, port: Number(port) });
    onTestFinished(() => void second.kill());
    expect(second.url).toBe(first.url);
    await second.kill();
  });

  it('a worker works on the cluster that its kubeconfig names, and says so in its metrics', async () => {
    const { dataDir, remove } = createDataDir();
    const kubernetes = await createEmbeddedKubernetes({ dataDir, port: 0 });
    onTestFinished(async () => {
      await kubernetes.stop();
      remove();
    });
    const { kubeconfigPath } = kubernetes;
    const worker = await startWorkerProcess({ databaseUrl: postgres.url, redisUrl: redis.url, kubeconfigPath });
    onTestFinished(() => void worker.kill());
    await vi.waitFor(async () => expect(await worker.metric('opencode_watch_connected')).toBe(1), 15_000);
    expect(await worker.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  it('a program that ends before it is ready is an error with all that it has printed', async () => {
    const server = startServerProcess({ databaseUrl: 'nonsense', redisUrl: redis.url });
    await expect(server).rejects.toThrow(/exit code 1 before it was ready:[^]*DATABASE_URL/);
  });
});

it('a metric is the sum of the samples that bear the labels, and an unknown name is an error', () => {
  const text =
    '# TYPE jobs counter\njobs{name="a",outcome="done"} 2\njobs{name="b",outcome="done"} 3\njobs{name="b"} 1\n';
  expect(readMetric(text, 'jobs')).toBe(6);
  expect(readMetric(text, 'jobs', { outcome: 'done' })).toBe(5);
  expect(readMetric(text, 'jobs', { name: 'c' })).toBe(0);
  expect(() => readMetric(text, 'job')).toThrow('no metric "job"');
});
