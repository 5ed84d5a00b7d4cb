/** Connections to Redis. Nothing depends on its data: writers fail fast during an outage, and readers continue after it. */

import { once } from 'node:events';

import { Redis } from 'ioredis';

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

/** Opens a connection that always reconnects, with a back-off of up to two seconds. */
export function createRedis(url: string, options: { purpose: RedisPurpose; log: Log }): Redis {
  const redis = new Redis(url, {
    connectTimeout: 2_000,
    keepAlive: 10_000,
    socketTimeout: silenceMs[options.purpose],
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

/** Waits until the connection is ready, but at most `atMostMs`: processes also start without Redis. */
export async function awaitRedis(redis: Redis, atMostMs: number): Promise<void> {
  if (redis.status === 'ready') return;
  await once(redis, 'ready', { signal: AbortSignal.timeout(atMostMs) }).catch(() => undefined); // the connection is still being opened
}
