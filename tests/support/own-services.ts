/**
 * A PostgreSQL and a Redis of one test alone, which it may kill, freeze and bring back. They keep their port and their
 * data for their life, and do not outlive the process that made them. No part of vitest is needed here.
 */

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Redis } from 'ioredis';

import { silentLog } from '../../src/embedded/embedded-log.ts';
import { createEmbeddedPostgres } from '../../src/embedded/postgres/postgres.ts';
import { isAlive } from '../../src/embedded/process/process-info.ts';
import { waitUntil } from '../../src/embedded/process/wait-until.ts';
import { createEmbeddedRedis } from '../../src/embedded/redis/redis.ts';
import { migrateToLatest } from '../../src/shared/node/db/migrate.ts';
import { freezeProcess, killProcess } from './freeze.ts';
import { findKeptPort } from './kept-port.ts';

export interface OwnService {
  /** The same for the whole life of the service. */
  url: string;
  /** The main process of the present run, or `null` while there is none. */
  pid(): number | null;
  /** SIGKILL to the main process and its children, frozen or not; resolves when they are gone. */
  kill(): Promise<void>;
  /** Brings it back on its port with its data, and resolves when it answers; harmless while it runs. */
  start(): Promise<void>;
  /** SIGSTOP to the main process and its children: connections are taken by the kernel, but nothing answers. */
  freeze(): void;
  thaw(): void;
  /** Ends it for good and removes its data, also when it is frozen or dead. */
  stop(): Promise<void>;
}

export interface OwnRedis extends OwnService {
  /** From now on each write fails, as when the memory is full, until {@link OwnRedis.empty} or a restart. */
  fill(): Promise<void>;
  /** Takes {@link OwnRedis.fill} back. */
  empty(): Promise<void>;
  /** Forgets everything. */
  flushAll(): Promise<void>;
}

/** A PostgreSQL of its own with an empty database of the newest schema. */
export async function createOwnPostgres({ maxConnections = 300 } = {}): Promise<OwnService> {
  const service = await createOwnService('opencode-own-postgres-', ({ dataDir, port }) =>
    createEmbeddedPostgres({ dataDir, port, maxConnections, survives: 'processes', log: silentLog }),
  );
  try {
    await migrateToLatest(service.url);
  } catch (error) {
    await service.stop();
    throw error;
  }
  return service;
}

/** A Redis of its own, empty. */
export async function createOwnRedis({ databases = 16 } = {}): Promise<OwnRedis> {
  const service = await createOwnService('opencode-own-redis-', ({ dataDir, port }) =>
    createEmbeddedRedis({ dataDir, port, databases, log: silentLog }),
  );
  const ask = async (command: (redis: Redis) => Promise<unknown>) => {
    const redis = new Redis(service.url, { maxRetriesPerRequest: 1, connectTimeout: 2_000, commandTimeout: 5_000 });
    redis.on('error', () => undefined); // the command that fails says it
    try {
      await command(redis);
    } finally {
      redis.disconnect();
    }
  };
  return {
    ...service,
    fill: () => ask((redis) => redis.config('SET', 'maxmemory', '1')),
    empty: () => ask((redis) => redis.config('SET', 'maxmemory', '0')),
    flushAll: () => ask((redis) => redis.flushall()),
  };
}

interface RunningService {
  url: string;
  pid: number;
  exited: Promise<void>;
  stop(): Promise<void>;
}

async function createOwnService(
  folderPrefix: string,
  launch: (place: { dataDir: string; port: number }) => Promise<RunningService>,
): Promise<OwnService> {
  const dataDir = await mkdtemp(join(tmpdir(), folderPrefix));
  await chmod(dataDir, 0o711); // PostgreSQL runs as another user when the tests run as root
  const remove = () => rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  const port = await findKeptPort();
  let running: RunningService | null = null;
  let thawAll: (() => void) | null = null;

  try {
    running = await launch({ dataDir, port });
  } catch (error) {
    await remove();
    throw error;
  }
  const thaw = () => {
    thawAll?.();
    thawAll = null;
  };
  const service: OwnService = {
    url: running.url,
    pid: () => running?.pid ?? null,
    async kill() {
      if (running === null) return;
      const dying = running;
      running = null;
      const pids = killProcess(dying.pid);
      thaw();
      await dying.exited;
      const gone = await waitUntil(() => (pids.some(isAlive) ? undefined : true), { timeoutMs: 10_000, intervalMs: 5 });
      if (!gone) throw new Error(`Of the processes ${pids.join(', ')} some live on 10 s after SIGKILL.`);
      await dying.stop(); // gives up the lock on its folder
    },
    async start() {
      running ??= await launch({ dataDir, port });
    },
    freeze() {
      if (running === null) throw new Error('What does not run cannot be frozen.');
      thawAll ??= freezeProcess(running.pid);
    },
    thaw,
    async stop() {
      thaw();
      const ending = running;
      running = null;
      await ending?.stop();
      await remove();
    },
  };
  return service;
}
