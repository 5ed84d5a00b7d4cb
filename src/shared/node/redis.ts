/** Connections to Redis. Nothing depends on its data: writers fail fast during an outage, and readers continue after it. */

import { once } from 'node:events';

import { Redis } from 'ioredis';

import { AppError } from '../contract/errors.ts';
import type { Log } from './log.ts';

/**
 * `producer`: a command fails at once while Redis is unavailable. `blocking`: for BLOCK reads and BullMQ workers, which wait
 * by design; each reader needs its own connection.
 */
type RedisPurpose = 'producer' | 'blocking';

/**
 * A connection on which nothing is received for this time is closed. A frozen Redis accepts bytes for ever, and a host that
 * disappears never closes its connections. BullMQ waits up to ten seconds by design, so `blocking` is longer.
 */
const silenceMs = { producer: 2_000, blocking: 12_000 } as const satisfies Record<RedisPurpose, number>;

/** A Redis that stays a replica is not connected to more often than this. */
const replicaPauseMs = 2_000;

/** Opens a connection that always reconnects, with a back-off of up to two seconds. */
export function createRedis(url: string, options: { purpose: RedisPurpose; log: Log }): Redis {
  const redis = new Redis(url, {
    connectTimeout: 2_000,
    keepAlive: 10_000,
    socketTimeout: silenceMs[options.purpose],
    reconnectOnError: createReplicaCheck(),
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), 2_000),
    ...(options.purpose === 'producer'
      ? { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: silenceMs.producer }
      : { maxRetriesPerRequest: null }),
  });
  let isOutageLogged = false;
  redis.on('error', (error) => {
    if (!isOutageLogged)
      options.log.warn({ error: error.message }, 'Redis does not answer; trying again until it does');
    isOutageLogged = true;
  });
  redis.on('ready', () => {
    if (isOutageLogged) options.log.info('Redis answers again');
    isOutageLogged = false;
  });
  return redis;
}

/**
 * After a failover, an open connection may lead to the old primary, which is a replica now and refuses each write. A new
 * connection leads to the new primary if the address does.
 */
function createReplicaCheck(): (error: Error) => boolean {
  let reconnectedAtMs = -Infinity;
  return ({ message }) => {
    if (!message.startsWith('READONLY') || performance.now() - reconnectedAtMs < replicaPauseMs) return false;
    reconnectedAtMs = performance.now();
    return true;
  };
}

/**
 * Resolves if Redis is one server, or does not answer or say it within `atMostMs`.
 * @throws AppError UNAVAILABLE if it is a Sentinel or a member of a Cluster, where the queue would never work
 */
export async function refuseOtherRedis(redis: Redis, atMostMs: number): Promise<void> {
  await awaitRedis(redis, atMostMs);
  if (redis.status !== 'ready') return;
  const info = await redis.info('server').catch(() => ''); // the user may not be allowed to ask
  const mode = { cluster: 'Cluster', sentinel: 'Sentinel' }[/^redis_mode:(\w+)/m.exec(info)?.[1] ?? ''];
  if (mode === undefined) return;
  const advice = 'Let REDIS_URL lead to one Redis, or to an address that always leads to the primary.';
  throw new AppError('UNAVAILABLE', `REDIS_URL leads to a Redis ${mode}, which is not supported. ${advice}`);
}

/** Waits until the connection is ready, but at most `atMostMs`: processes also start without Redis. */
export async function awaitRedis(redis: Redis, atMostMs: number): Promise<void> {
  if (redis.status === 'ready') return;
  await once(redis, 'ready', { signal: AbortSignal.timeout(atMostMs) }).catch(() => undefined); // the connection is still being opened
}

/** Milliseconds since the epoch by the clock of Redis, which all processes share. Their own clocks may differ by hours. */
export async function redisTimeMs(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
}
