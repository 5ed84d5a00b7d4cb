/** Finds the program of the embedded Redis. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import type { EmbeddedLog } from '../embedded-log.ts';
import { findOnPath } from '../process/find-on-path.ts';
import { fetchRedis } from './fetch-redis.ts';

const programs = ['redis-server', 'valkey-server'] as const;

interface RedisProgram {
  path: string;
  /** Environment variables that the program needs to find its libraries. */
  env: Record<string, string>;
  /** "redis-server 7.0.15 from the path". */
  source: string;
}

/**
 * Finds a Redis or Valkey server on the path. When there is none, downloads the package of Debian or Ubuntu to `cacheDir`.
 *
 * @throws Error that says what to do, when there is neither
 */
export async function findRedisProgram(options: {
  cacheDir: string;
  searchPath: string;
  log: EmbeddedLog;
}): Promise<RedisProgram> {
  for (const name of programs) {
    const path = findOnPath(name, options.searchPath);
    if (path === null) continue;
    return { path, env: {}, source: `${name} ${await readVersion(path, {})} from the path` };
  }
  const downloaded = await fetchRedis(options);
  const version = await readVersion(downloaded.path, downloaded.env);
  return { ...downloaded, source: `redis-server ${version} downloaded to ${options.cacheDir}` };
}

async function readVersion(path: string, env: Record<string, string>): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(path, ['--version'], { env: { ...process.env, ...env } });
    return /v=(\S+)/.exec(stdout)?.[1] ?? '';
  } catch (cause) {
    throw new Error(
      `${path} does not run on this machine. Install Redis in another way, or name a running one with REDIS_URL.`,
      {
        cause,
      },
    );
  }
}
