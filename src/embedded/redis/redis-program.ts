/** Finds the program of the embedded Redis. */

import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

import type { EmbeddedLog } from '../embedded-log.ts';
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

/** The first executable file of that name in the folders of a PATH; null when there is none. */
export function findOnPath(name: string, searchPath: string): string | null {
  for (const folder of searchPath.split(delimiter).filter((part) => part !== '')) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // not here
    }
  }
  return null;
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
