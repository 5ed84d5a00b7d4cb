/**
 * What every test stands on: the PostgreSQL and the Redis that `global-setup.ts` has started once for the run. This module
 * hands out isolated parts of them, so that test files can run side by side.
 */

import { randomBytes } from 'node:crypto';

import { Redis } from 'ioredis';
import { Client } from 'pg';
import { inject } from 'vitest';

import { findOnPath } from '../../src/embedded/redis/redis-program.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** May create and drop databases. */
    postgresAdminUrl: string;
    /** A database with all migrations in it, to copy. */
    postgresTemplate: string;
    redisUrl: string;
  }
}

export interface TestDatabase {
  url: string;
  /** Ends all its connections and removes it. */
  drop(): Promise<void>;
}

/** A fresh database of the newest schema, for one test file or one test. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const adminUrl = inject('postgresAdminUrl');
  const template = inject('postgresTemplate');
  const name = `${template}_${randomBytes(6).toString('hex')}`;
  await runAsAdmin(adminUrl, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () => runAsAdmin(adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

/** Runs one statement on a connection of its own. */
export async function runAsAdmin(adminUrl: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

export interface TestRedis {
  /** Names a logical database that nobody else has, empty at first. Pub/sub and `FLUSHALL` know no such bounds. */
  url: string;
  flush(): Promise<void>;
}

/** An empty logical Redis database, for one test file or one test. */
export async function createTestRedis(): Promise<TestRedis> {
  const url = new URL(inject('redisUrl'));
  url.pathname = '/0';
  const databases = await onRedis(url.href, async (redis) => {
    const [, configured = '16'] = await redis.config('GET', 'databases');
    return { count: Number(configured), handedOut: await redis.incr('test-databases-handed-out') };
  });
  // Number 0 holds the counter. Numbers come round again only after hundreds of them.
  url.pathname = `/${1 + ((databases.handedOut - 1) % (databases.count - 1))}`;
  const flush = () => onRedis(url.href, async (redis) => void (await redis.flushdb()));
  await flush();
  return { url: url.href, flush };
}

async function onRedis<T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { maxRetriesPerRequest: 1 });
  redis.on('error', () => undefined); // the command that fails says it
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

/** The path of a Chromium or Chrome on this machine (`CHROMIUM_PATH` goes first), or null when there is none. */
export function findChromium(): string | null {
  const named = process.env['CHROMIUM_PATH'];
  if (named !== undefined && named !== '') return named;
  for (const name of ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']) {
    const path = findOnPath(name, process.env['PATH'] ?? '');
    if (path !== null) return path;
  }
  return null;
}
