/** Connections to Redis. Nothing depends on its data: writers fail fast during an outage, and readers continue after it. */

import { once } from 'node:events';

import { Redis } from 'ioredis';

import { AppError } from '../contract/errors.ts';
import type { Log } from './log.ts';
import { guardRedis, reconnectOptions } from './redis-guard.ts';

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

/** An outage is logged once in this time, even if there is a connection in between. */
const outageLogMs = 60_000;

/** Why each connection that is not ready could not be opened. */
const connectionErrors = new WeakMap<Redis, Error>();

/** Opens a connection that always reconnects, with a back-off of up to two seconds. */
export function createRedis(url: string, options: { purpose: RedisPurpose; log: Log }): Redis {
  const { purpose, log } = options;
  const redis = new Redis(url, {
    connectTimeout: 2_000,
    keepAlive: 10_000,
    socketTimeout: silenceMs[purpose],
    ...reconnectOptions(),
    ...(purpose === 'producer'
      ? {
          enableOfflineQueue: false,
          maxRetriesPerRequest: 0,
          commandTimeout: silenceMs.producer,
          // The check would wait while Redis loads its data. Without it, each command fails at once and names the cause.
          enableReadyCheck: false,
        }
      : { maxRetriesPerRequest: null, maxLoadingRetryTime: 1_000 }),
  });
  logOutages(redis, log);
  return guardRedis(redis, { pauses: purpose === 'blocking', log });
}

interface OutageLog {
  loggedAtMs: number;
  isOutageLogged: boolean;
}

/** One for all connections that share a log. */
const outageLogs = new WeakMap<Log, OutageLog>();

function logOutages(redis: Redis, log: Log): void {
  const state = outageLogs.get(log) ?? { loggedAtMs: -Infinity, isOutageLogged: false };
  outageLogs.set(log, state);
  redis.on('error', (error: Error) => {
    connectionErrors.set(redis, error);
    if (state.isOutageLogged || performance.now() - state.loggedAtMs < outageLogMs) return;
    state.loggedAtMs = performance.now();
    state.isOutageLogged = true;
    log.warn({ error: error.message }, 'Redis does not answer; trying again until it does');
  });
  redis.on('ready', () => {
    connectionErrors.delete(redis);
    if (state.isOutageLogged) log.info('Redis answers again');
    state.isOutageLogged = false;
  });
}

/** Why the connection is not ready; `null` when it is, or when nobody knows. */
export function connectionErrorOf(redis: Redis): Error | null {
  return redis.status === 'ready' ? null : (connectionErrors.get(redis) ?? null);
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
