/**
 * Gives each test a database and a logical Redis of its own, in the PostgreSQL and Redis that `global-setup.ts` has started.
 * So test files can run at the same time.
 */

import { randomBytes } from 'node:crypto';

import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { inject } from 'vitest';

import { findOnPath } from '../../src/embedded/process/find-on-path.ts';
import { copyDatabase, runAsAdmin, type Backup } from './database-backup.ts';

export { runAsAdmin };

declare module 'vitest' {
  export interface ProvidedContext {
    /** Its user may create and drop databases. */
    postgresAdminUrl: string;
    /** The name of a database with all migrations, which each test database copies. */
    postgresTemplate: string;
    redisUrl: string;
  }
}

export interface TestDatabase {
  url: string;
  /** Closes all its connections and drops it. */
  drop(): Promise<void>;
}

/** Creates an empty database of the newest schema. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const template = inject('postgresTemplate');
  const name = `${template}_${randomBytes(6).toString('hex')}`;
  // A copy of the files needs a third of the processor time of the default strategy, which writes each page to the log too.
  await administer(`CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY FILE_COPY`);
  const url = new URL(inject('postgresAdminUrl'));
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

/** Opening a connection needs as much processor time as creating a database, so the tests of a process share this one. */
let admin: Pool | undefined;

async function administer(statement: string): Promise<void> {
  if (!admin) {
    admin = new Pool({ connectionString: inject('postgresAdminUrl'), max: 1, allowExitOnIdle: true });
    admin.on('error', () => undefined); // PostgreSQL ended the connection: the next statement opens another
  }
  await admin.query(statement);
}

/** Copies a test database. Connections to it are closed once. */
export const backUpDatabase = (url: string): Promise<Backup> => copyDatabase(inject('postgresAdminUrl'), url);

export interface TestRedis {
  /** Names an unused logical database. Pub/sub and `FLUSHALL` affect all logical databases. */
  url: string;
  flush(): Promise<void>;
}

/** Reserves an empty logical Redis database. */
export async function createTestRedis(): Promise<TestRedis> {
  const url = new URL(inject('redisUrl'));
  url.pathname = '/0';
  const databases = await onRedis(url.href, async (redis) => {
    const [, configured = '16'] = await redis.config('GET', 'databases');
    return { count: Number(configured), handedOut: await redis.incr('test-databases-handed-out') };
  });
  // Database 0 has the counter. A number is reused only after all others.
  url.pathname = `/${1 + ((databases.handedOut - 1) % (databases.count - 1))}`;
  const flush = () => onRedis(url.href, async (redis) => void (await redis.flushdb()));
  await flush();
  return { url: url.href, flush };
}

async function onRedis<T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { maxRetriesPerRequest: 1 });
  redis.on('error', () => undefined); // the command rejects
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

/** The path of a Chromium or Chrome on this machine (`CHROMIUM_PATH` has priority), or null when there is none. */
export function findChromium(): string | null {
  const named = process.env['CHROMIUM_PATH'];
  if (named !== undefined && named !== '') return named;
  for (const name of [
    'chromium-headless-shell',
    'chromium',
    'chromium-browser',
    'google-chrome',
    'google-chrome-stable',
  ]) {
    const path = findOnPath(name, process.env['PATH'] ?? '');
    if (path !== null) return path;
  }
  return null;
}
