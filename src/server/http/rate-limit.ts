/**
 * How often somebody may ask. A limiter allows so many tokens a minute and key, all at once or spread out; what is refused
 * costs nothing, so a client that waits as told is served. Counted in this process alone: with three servers behind a
 * load balancer the whole may be three times as much. Why it is our own: `docs/decisions/0016-rate-limits.md`.
 */

import { AppError } from '../../shared/contract/errors.ts';
import { maxRateLimitKeys, rateShares } from '../limits.ts';
import { addressBlock } from './client-address.ts';

const minuteMs = 60_000;

export interface RateLimiter {
  /** Takes `cost` tokens of the key. Returns 0, or the milliseconds until there would be enough of them. */
  take(key: string, cost?: number): number;
  /** How many keys are remembered. */
  size(): number;
}

/** @param options.maxKeys above which the key that was used longest ago is forgotten, that is to say served afresh */
export function createRateLimiter(options: { perMinute: number; maxKeys: number; now: () => number }): RateLimiter {
  const { maxKeys, now } = options;
  const perMinute = Math.max(1, Math.floor(options.perMinute));
  const tokenMs = minuteMs / perMinute;
  /** When each key will have all its tokens again: one number says how many are left now. Least recently used first. */
  const fullAt = new Map<string, number>();

  return {
    take(key, cost = 1) {
      const nowMs = now();
      // Never further ahead than an empty bucket: a clock that was set back must not shut anybody out.
      const before = Math.min(Math.max(fullAt.get(key) ?? nowMs, nowMs), nowMs + minuteMs);
      const after = before + Math.min(cost, perMinute) * tokenMs;
      const waitMs = after - nowMs - minuteMs;
      // A thousandth of a token is what adding up fractions may be wrong by.
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

interface Asker {
  /** `null`: nobody is signed in. */
  userId: string | null;
  /** As it came; addresses of one subscriber line count as one. */
  address: string;
}

/** Each throws AppError RATE_LIMITED, with the seconds to wait, when it was too much. */
export interface RateLimits {
  /** Before anything is looked up for a request, whoever sends it. */
  admitRequest(address: string): void;
  /** Before calls are carried out: of a user wherever they are, or of an address from which nobody is signed in. */
  admitCalls(asker: Asker, count: number): void;
  admitSignIn(address: string): void;
  admitHandshake(address: string): void;
}

/** @param options.perMinute calls of one user a minute; the other limits are shares of it */
export function createRateLimits({ perMinute, now }: { perMinute: number; now: () => number }): RateLimits {
  const limiterOf = (share: number) =>
    createRateLimiter({ perMinute: perMinute * share, maxKeys: maxRateLimitKeys, now });
  // One limiter a kind: whoever comes from ever new addresses makes no user forgotten.
  const users = limiterOf(1);
  const requests = limiterOf(rateShares.address);
  const anonymous = limiterOf(rateShares.anonymous);
  const signIns = limiterOf(rateShares.signIn);
  const handshakes = limiterOf(rateShares.handshake);

  return {
    admitRequest: (address) => admit(requests.take(addressBlock(address)), 'requests from your address'),
    admitCalls({ userId, address }, count) {
      if (userId !== null) return admit(users.take(userId, count), 'calls in your name');
      return admit(anonymous.take(addressBlock(address), count), 'calls without a sign-in from your address');
    },
    admitSignIn: (address) => admit(signIns.take(addressBlock(address)), 'sign-ins from your address'),
    admitHandshake: (address) => admit(handshakes.take(addressBlock(address)), 'connections from your address'),
  };
}

function admit(waitMs: number, ofWhat: string): void {
  if (waitMs === 0) return;
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1_000));
  const wait = retryAfterSeconds === 1 ? 'a second' : `${retryAfterSeconds} seconds`;
  throw new AppError('RATE_LIMITED', `Too many ${ofWhat} within a minute. Wait ${wait} and try again.`, {
    retryAfterSeconds,
  });
}
