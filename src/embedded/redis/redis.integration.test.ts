import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Redis } from 'ioredis';
import { describe, expect, test, vi } from 'vitest';

import { killGuardians } from '../../../tests/support/kill-guardians.ts';
import { runInAnotherProcess } from '../../../tests/support/run-in-another-process.ts';
import { silentLog } from '../embedded-log.ts';
import { isAlive } from '../process/process-info.ts';
import { waitUntil } from '../process/wait-until.ts';
import { createEmbeddedRedis } from './redis.ts';

// Several servers are started and stopped in each test.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

test('data, port and password survive a stop, which takes less than two seconds', async ({ onTestFinished }) => {
  const { start } = createFolder(onTestFinished);
  const first = await start();
  expect(first.source).toMatch(/^(redis|valkey)-server \d+\.\d+\.\d+ /);
  await withRedis(first.url, (redis) => redis.set('kept', '7'));
  const startedAt = performance.now();
  await first.stop();
  expect(performance.now() - startedAt).toBeLessThan(2_000);

  const second = await start();
  expect(second.url).toBe(first.url);
  expect(await withRedis(second.url, (redis) => redis.get('kept'))).toBe('7');
});

describe.concurrent('the embedded Redis', () => {
  test('evicts nothing, writes everything to the append-only file, and requires the password', async ({
    onTestFinished,
  }) => {
    const { dataDir, start } = createFolder(onTestFinished);
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

  test('ends when the process that started it is killed, and loses nothing written', async ({ onTestFinished }) => {
    const { dataDir, start } = createFolder(onTestFinished);
    const { output: url, killHard } = await runInAnotherProcess(startCode(dataDir));
    await withRedis(url, (redis) => redis.set('kept', '7'));
    const server = serverPid(dataDir);
    await killHard();
    expect(await waitUntil(() => (isAlive(server) ? undefined : true), { timeoutMs: 3_000 })).toBe(true);
    expect(await withRedis((await start()).url, (redis) => redis.get('kept'))).toBe('7');
  });

  test('is stopped by the next start when it has outlived its starter, and its data is used', async ({
    onTestFinished,
  }) => {
    const { dataDir, start } = createFolder(onTestFinished);
    const { output: url, killHard } = await runInAnotherProcess(startCode(dataDir));
    await withRedis(url, (redis) => redis.set('kept', '7'));
    const server = serverPid(dataDir);
    killGuardians(dataDir);
    await killHard();
    expect(isAlive(server)).toBe(true);

    const restarted = await start();
    expect(isAlive(server)).toBe(false);
    expect(await withRedis(restarted.url, (redis) => redis.get('kept'))).toBe('7');
  });

  test('loses nothing written when it is killed together with its starter', async ({ onTestFinished }) => {
    const { dataDir, start } = createFolder(onTestFinished);
    const { output: url, killHard } = await runInAnotherProcess(startCode(dataDir));
    await withRedis(url, (redis) => redis.set('kept', '7'));
    process.kill(serverPid(dataDir), 'SIGKILL');
    await killHard();
    expect(await withRedis((await start()).url, (redis) => redis.get('kept'))).toBe('7');
  });

  test('refuses a second start on the same folder and names the process', async ({ onTestFinished }) => {
    const { dataDir, start } = createFolder(onTestFinished);
    const one = await start();
    await expect(start()).rejects.toThrow(/redis data in .* is in use by this process/);
    await one.stop();
    const { killHard } = await runInAnotherProcess(startCode(dataDir));
    await expect(start()).rejects.toThrow(/is in use by process \d+ \(.*node.*\)\. Stop it first, or choose/);
    await killHard();
  });
});

type OnTestFinished = (clean: () => void | Promise<void>) => void;

/** A folder for one test. Servers that the test starts are stopped at its end. */
function createFolder(onTestFinished: OnTestFinished) {
  const dataDir = mkdtempSync(join(tmpdir(), 'embedded-redis-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const start = async () => {
    const service = await createEmbeddedRedis({ dataDir, log: silentLog });
    onTestFinished(() => service.stop()); // runs before the removal above
    return service;
  };
  return { dataDir, start };
}

function startCode(dataDir: string): string {
  return `
    import { createEmbeddedRedis } from ${JSON.stringify(new URL('redis.ts', import.meta.url).href)};
    const log = { info() {}, warn() {} };
    const { url } = await createEmbeddedRedis({ dataDir: ${JSON.stringify(dataDir)}, log });
    print(url);
  `;
}

function serverPid(dataDir: string): number {
  return Number(readFileSync(join(dataDir, 'redis', 'redis.pid'), 'utf8'));
}

async function withRedis<T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { maxRetriesPerRequest: 1 });
  redis.on('error', () => undefined); // the failing command rejects with the error
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}
