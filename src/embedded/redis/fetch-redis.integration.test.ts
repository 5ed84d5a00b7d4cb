import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { createEmbeddedRedis } from './redis.ts';

describe.runIf(existsSync('/usr/bin/apt-get'))('on Debian and Ubuntu without redis-server on the path', () => {
  let dataDir: string;
  beforeAll(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'embedded-redis-'));
  });
  afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

  test('it is downloaded from the packages of the system, started, and kept for the next start', async () => {
    const cacheDir = join(dataDir, 'cache');
    const lines: string[] = [];
    const options = {
      dataDir,
      cacheDir,
      searchPath: join(dataDir, 'no-programs-here'),
      log: { info: (line: string) => void lines.push(line), warn: () => undefined },
    };
    const first = await createEmbeddedRedis(options);
    expect(first.source).toMatch(/^redis-server \d+\.\d+\.\d+ downloaded to /);
    expect(lines).toEqual([expect.stringContaining('downloading it from the packages of this system')]);
    const redis = new Redis(first.url);
    await redis.set('kept', '7');
    redis.disconnect();
    await first.stop();
    expect(readdirSync(cacheDir)).toEqual([expect.stringMatching(/^redis-\w+-\w+$/)]);

    const second = await createEmbeddedRedis(options);
    expect(lines).toHaveLength(1);
    const reader = new Redis(second.url);
    expect(await reader.get('kept')).toBe('7');
    reader.disconnect();
    await second.stop();
  }, 120_000);
});
