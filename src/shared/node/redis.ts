/** Connections to Redis. Redis is disposable: whoever writes to it fails fast, whoever reads from it goes on later. */

import { once } from 'node:events';

import { Redis } from 'ioredis';

import type { Log } from './log.ts';

/**
 * `producer`: a command fails at once while Redis is away. `blocking`: for BLOCK reads and BullMQ workers, which wait
 * by design; a connection of this kind serves one reader.
 */
export type RedisPurpose = 'producer' | 'blocking';

/**
 * How long commands may wait for a sign of life before the connection is given up for dead: a frozen Redis takes bytes for
 * ever, and a peer that went without a word never ends the connection. For `blocking` it is more than the ten seconds
 * for which BullMQ waits on purpose.
 */
const silenceMs = { producer: 2_000, blocking: 12_000 } as const satisfies Record<RedisPurpose, number>;

/** Opens a connection that reconnects for ever, with back-off up to two seconds. */
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
  let announced = false;
  redis.on('error', (error) => {
    if (!announced) options.log.warn({ error: error.message }, 'Redis does not answer; trying again until it does');
    announced = true;
  });
  redis.on('ready', () => {
    if (announced) options.log.info('Redis answers again');
    announced = false;
  });
  return redis;
}

/** Waits until the connection answers, for `atMostMs` at the most: whoever starts may as well start without it. */
export async function awaitRedis(redis: Redis, atMostMs: number): Promise<void> {
  if (redis.status === 'ready') return;
  await once(redis, 'ready', { signal: AbortSignal.timeout(atMostMs) }).catch(() => undefined); // it goes on trying
}
