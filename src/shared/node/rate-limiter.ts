/**
 * A rate limiter of server and gateway. It gives each key a number of tokens a minute, which may be spent at once or spread out. A refused
 * call costs no tokens, so a client that waits as long as the refusal says is served. Each process counts for itself: three
 * servers behind a load balancer allow three times as much. Why we wrote it: `docs/decisions/0016-rate-limits.md`.
 */

import type { Clock } from '../clock.ts';
import { AppError } from '../contract/errors.ts';

const minuteMs = 60_000;

export interface RateLimiter {
  /** Takes `cost` tokens of the key. Returns 0, or the milliseconds until there are enough tokens. */
  take(key: string, cost?: number): number;
  /** The number of keys that are remembered. */
  size(): number;
}

/** @param options.maxKeys above this number the least recently used key is forgotten, and then has all its tokens again */
export function createRateLimiter(options: { perMinute: number; maxKeys: number; clock: Clock }): RateLimiter {
  const { maxKeys, clock } = options;
  const perMinute = Math.max(1, Math.floor(options.perMinute));
  const tokenMs = minuteMs / perMinute;
  /** When each key will have all its tokens again, which also says how many it has now. Least recently used first. */
  const fullAt = new Map<string, number>();

  return {
    take(key, cost = 1) {
      const nowMs = clock.monotonic();
      // An empty bucket is full again after a minute. The bound protects callers if the clock is set back.
      const before = Math.min(Math.max(fullAt.get(key) ?? nowMs, nowMs), nowMs + minuteMs);
      const after = before + Math.min(cost, perMinute) * tokenMs;
      const waitMs = after - nowMs - minuteMs;
      // Adding fractions may be wrong by a thousandth of a token.
      const isRefused = waitMs > tokenMs / 1_000;
      fullAt.delete(key);
      fullAt.set(key, isRefused ? before : after);
      if (fullAt.size > maxKeys) {
        const [oldest] = fullAt.keys();
        if (oldest !== undefined) fullAt.delete(oldest);
      }
      return isRefused ? waitMs : 0;
    },
    size: () => fullAt.size,
  };
}

/**
 * @param waitMs what {@link RateLimiter.take} returned
 * @throws AppError RATE_LIMITED with the seconds to wait, unless that is 0
 */
export function admit(waitMs: number, ofWhat: string): void {
  if (waitMs === 0) return;
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1_000));
  const wait = retryAfterSeconds === 1 ? 'a second' : `${retryAfterSeconds} seconds`;
  throw new AppError('RATE_LIMITED', `Too many ${ofWhat} within a minute. Wait ${wait} and try again.`, {
    retryAfterSeconds,
  });
}
