/**
 * A PostgreSQL and a Redis for one test, which may kill, freeze and restart them. They keep their port and data, and end with
 * the process that started them. This file does not depend on vitest.
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
  /** It does not change. */
  url: string;
  /** The main process, or `null` while the service does not run. */
  pid(): number | null;
  /** Sends SIGKILL to the main process and its children, frozen or not. Resolves when they have ended. */
  kill(): Promise<void>;
  /** Starts it again on its port with its data, unless it runs. Resolves when it answers. */
  start(): Promise<void>;
  /** Sends SIGSTOP to the main process and its children: the kernel accepts connections, but nothing answers. */
  freeze(): void;
  thaw(): void;
  /** Stops it and removes its data, also when it is frozen or was killed. */
  stop(): Promise<void>;
}

export interface OwnPostgres extends OwnService {
  /** Of the superuser, in another database. */
  adminUrl: string;
}

export interface OwnRedis extends OwnService {
  /** Makes each write fail, as when the memory is full, until {@link OwnRedis.empty} or a restart. */
  fill(): Promise<void>;
  /** Reverts {@link OwnRedis.fill}. */
  empty(): Promise<void>;
  /** Deletes all data. */
  flushAll(): Promise<void>;
  /** Gives the user of the programs other rights, such as `-@all`. It gets all of them back by `+@all`, or by a restart. */
  setRights(rights: string): Promise<void>;
  /** Refuses writes as the replica of a primary that does not answer, until {@link OwnRedis.becomePrimary} or a restart. */
  becomeReplica(): Promise<void>;
  becomePrimary(): Promise<void>;
}

/** Starts a PostgreSQL with an empty database of the newest schema. */
export async function createOwnPostgres({ maxConnections = 300 } = {}): Promise<OwnPostgres> {
  const service = await createOwnService('opencode-own-postgres-', ({ dataDir, port }) =>
    createEmbeddedPostgres({ dataDir, port, maxConnections, survives: 'processes', log: silentLog }),
  );
  try {
    await migrateToLatest(service.url);
  } catch (error) {
    await service.stop();
    throw error;
  }
  return { ...service, adminUrl: Object.assign(new URL(service.url), { pathname: '/postgres' }).href };
}

/** Starts an empty Redis. */
export async function createOwnRedis({ databases = 16 } = {}): Promise<OwnRedis> {
  const service = await createOwnService('opencode-own-redis-', ({ dataDir, port }) =>
    createEmbeddedRedis({ dataDir, port, databases, log: silentLog }),
  );
  const send = async (command: (redis: Redis) => Promise<unknown>, url = service.url) => {
    const redis = new Redis(url, { maxRetriesPerRequest: 1, connectTimeout: 2_000, commandTimeout: 5_000 });
    redis.on('error', () => undefined); // the command rejects
    try {
      await command(redis);
    } finally {
      redis.disconnect();
    }
  };
  return {
    ...service,
    fill: () => send((redis) => redis.config('SET', 'maxmemory', '1')),
    empty: () => send((redis) => redis.config('SET', 'maxmemory', '0')),
    flushAll: () => send((redis) => redis.flushall()),
    async setRights(rights) {
      const { password } = new URL(service.url);
      const all = ['on', `>${password}`, '~*', '&*', '+@all'];
      // A user of our own, who keeps all rights. A restart has forgotten it.
      await send((redis) => redis.call('ACL', 'SETUSER', 'admin', ...all)).catch(() => undefined); // no right any more
      const url = Object.assign(new URL(service.url), { username: 'admin' }).href;
      await send((redis) => redis.call('ACL', 'SETUSER', 'default', ...rights.split(' ')), url);
    },
    becomeReplica: () => send((redis) => redis.call('REPLICAOF', '127.0.0.1', '9')), // the discard port
    becomePrimary: () => send((redis) => redis.call('REPLICAOF', 'NO', 'ONE')),
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
      if (!gone) throw new Error(`Of the processes ${pids.join(', ')} some still run 10 s after SIGKILL.`);
      await dying.stop(); // releases the lock of its folder
    },
    async start() {
      running ??= await launch({ dataDir, port });
    },
    freeze() {
      if (running === null) throw new Error('The service does not run.');
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
