import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { crowded } from '../../../tests/support/crowded.ts';
import { killGuardians } from '../../../tests/support/kill-guardians.ts';
import { runInAnotherProcess } from '../../../tests/support/run-in-another-process.ts';
import { silentLog } from '../embedded-log.ts';
import { isAlive } from '../process/process-info.ts';
import { waitUntil } from '../process/wait-until.ts';
import { createEmbeddedRedis } from './redis.ts';
import type { EmbeddedRedisOptions } from './redis.ts';

// Several servers are started and stopped in each test, on machines that may be busy with others.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let dataDir: string;
let running: { stop(): Promise<void> }[];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'embedded-redis-'));
  running = [];
});

afterEach(async () => {
  await Promise.all(running.map((service) => service.stop()));
  rmSync(dataDir, { recursive: true, force: true });
});

test('data, port and password survive a stop, which takes less than two seconds', async () => {
  const first = await start();
  expect(first.source).toMatch(/^(redis|valkey)-server \d+\.\d+\.\d+ /);
  await withRedis(first.url, (redis) => redis.set('kept', '7'));
  const began = performance.now();
  await first.stop();
  expect(performance.now() - began).toBeLessThan(crowded(2_000));

  const second = await start();
  expect(second.url).toBe(first.url);
  expect(await withRedis(second.url, (redis) => redis.get('kept'))).toBe('7');
});

test('nothing is evicted, every write goes to the append-only file, and the password is needed', async () => {
  const { url } = await start();
  await withRedis(url, async (redis) => {
    expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
    expect(await redis.config('GET', 'appendonly')).toEqual(['appendonly', 'yes']);
    expect(await redis.config('GET', 'bind')).toEqual(['bind', '127.0.0.1']);
  });
  for (const file of ['redis-settings.json', 'redis.conf']) {
    expect(statSync(join(dataDir, file)).mode & 0o777).toBe(0o600);
  }
  const open = new URL(url);
  open.password = '';
  await expect(withRedis(open.href, (redis) => redis.get('kept'))).rejects.toThrow('NOAUTH');
});

test('the server ends by itself when the process that started it is killed, and nothing written is lost', async () => {
  const { told: url, killHard } = await runInAnotherProcess(startCode());
  await withRedis(url, (redis) => redis.set('kept', '7'));
  const server = serverPid();
  await killHard();
  expect(await waitUntil(() => (isAlive(server) ? undefined : true), { timeoutMs: 3_000 })).toBe(true);

  const again = await start();
  expect(await withRedis(again.url, (redis) => redis.get('kept'))).toBe('7');
});

test('a server that outlived its starter is stopped and its data used', async () => {
  const { told: url, killHard } = await runInAnotherProcess(startCode());
  await withRedis(url, (redis) => redis.set('kept', '7'));
  const server = serverPid();
  killGuardians(dataDir);
  await killHard();
  expect(isAlive(server)).toBe(true);

  const again = await start();
  expect(isAlive(server)).toBe(false);
  expect(await withRedis(again.url, (redis) => redis.get('kept'))).toBe('7');
});

test('kill -9 of starter and server together loses nothing written', async () => {
  const { told: url, killHard } = await runInAnotherProcess(startCode());
  await withRedis(url, (redis) => redis.set('kept', '7'));
  process.kill(serverPid(), 'SIGKILL');
  await killHard();

  const again = await start();
  expect(await withRedis(again.url, (redis) => redis.get('kept'))).toBe('7');
});

test('a second start on the same folder is refused and names the process', async () => {
  const one = await start();
  await expect(start()).rejects.toThrow(/redis data in .* is in use by this very process/);
  await one.stop();
  const { killHard } = await runInAnotherProcess(startCode());
  await expect(start()).rejects.toThrow(/is in use by process \d+ \(.*node.*\)\. Stop it first, or choose/);
  await killHard();
});

describe.runIf(existsSync('/usr/bin/apt-get'))('on Debian and Ubuntu without redis-server on the path', () => {
  test('it is fetched from the packages of the system, started, and kept for the next time', async () => {
    const cacheDir = join(dataDir, 'cache');
    const emptyPath = join(dataDir, 'no-programs-here');
    const said: string[] = [];
    const log = { info: (message: string) => void said.push(message), warn: () => undefined };
    const first = await start({ searchPath: emptyPath, cacheDir, log });
    expect(first.source).toMatch(/^redis-server \d+\.\d+\.\d+ fetched into /);
    expect(said).toEqual([expect.stringContaining('fetching it from the packages of this system')]);
    await withRedis(first.url, (redis) => redis.set('kept', '7'));
    await first.stop();
    expect(readdirSync(cacheDir)).toEqual([expect.stringMatching(/^redis-\w+-\w+$/)]);

    const second = await start({ searchPath: emptyPath, cacheDir, log });
    expect(said).toHaveLength(1);
    expect(await withRedis(second.url, (redis) => redis.get('kept'))).toBe('7');
  }, 120_000);
});

async function start(options: Partial<EmbeddedRedisOptions> = {}) {
  const service = await createEmbeddedRedis({ dataDir, log: silentLog, ...options });
  running.push(service);
  return service;
}

function startCode(): string {
  return `
    import { createEmbeddedRedis } from ${JSON.stringify(new URL('redis.ts', import.meta.url).href)};
    const log = { info() {}, warn() {} };
    const { url } = await createEmbeddedRedis({ dataDir: ${JSON.stringify(dataDir)}, log });
    tell(url);
  `;
}

function serverPid(): number {
  return Number(readFileSync(join(dataDir, 'redis', 'redis.pid'), 'utf8'));
}

/** Kills the shells that would stop the server, as the kernel may do when memory runs out. */
async function withRedis<T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { maxRetriesPerRequest: 1 });
  redis.on('error', () => undefined); // the command that fails says it
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}
