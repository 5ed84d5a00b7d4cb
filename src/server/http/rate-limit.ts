/**
 * Rate limits. A limiter gives each key a number of tokens a minute, which may be spent at once or spread out. A refused
 * call costs no tokens, so a client that waits as long as the refusal says is served. Each process counts for itself: three
 * servers behind a load balancer allow three times as much. Why we wrote it: `docs/decisions/0016-rate-limits.md`.
 */

import type { Clock } from '../../shared/clock.ts';
import { AppError } from '../../shared/contract/errors.ts';
import { maxRateLimitKeys, rateShares } from '../limits.ts';
import { addressBlock } from './client-address.ts';

const minuteMs = 60_000;

interface RateLimiter {
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

interface CallSource {
  /** `null` if nobody is signed in. */
  userId: string | null;
  /** The client's address; all addresses of one IPv6 line count as one. */
  address: string;
}

/** Each function throws AppError RATE_LIMITED, with the seconds to wait, when the limit is reached. */
export interface RateLimits {
  /** Called for every request, before the caller is identified. */
  admitRequest(address: string): void;
  /** Called before calls run. Calls count for the user, or for the address if nobody is signed in. */
  admitCalls(source: CallSource, count: number): void;
  admitSignIn(address: string): void;
  admitHandshake(address: string): void;
  /** Called for each message on a socket. Messages count for the user, or for the address while the user is not known. */
  admitMessages(source: CallSource, count: number): void;
}

/** @param options.perMinute calls of one user a minute; the other limits are shares of it */
export function createRateLimits({ perMinute, clock }: { perMinute: number; clock: Clock }): RateLimits {
  const limiterOf = (share: number) =>
    createRateLimiter({ perMinute: perMinute * share, maxKeys: maxRateLimitKeys, clock });
  // Each kind has its own limiter: many new addresses must not make the limiter forget a user.
  const users = limiterOf(1);
  const requests = limiterOf(rateShares.address);
  const anonymous = limiterOf(rateShares.anonymous);
  const signIns = limiterOf(rateShares.signIn);
  const handshakes = limiterOf(rateShares.handshake);
  const messages = limiterOf(rateShares.messages);
  const anonymousMessages = limiterOf(rateShares.messages);

  return {
    admitRequest: (address) => admit(requests.take(addressBlock(address)), 'requests from your address'),
    admitCalls({ userId, address }, count) {
      if (userId !== null) return admit(users.take(userId, count), 'calls in your name');
      return admit(anonymous.take(addressBlock(address), count), 'calls without a sign-in from your address');
    },
    admitSignIn: (address) => admit(signIns.take(addressBlock(address)), 'sign-ins from your address'),
    admitHandshake: (address) => admit(handshakes.take(addressBlock(address)), 'connections from your address'),
    admitMessages({ userId, address }, count) {
      if (userId !== null) return admit(messages.take(userId, count), 'messages in your name');
      return admit(anonymousMessages.take(addressBlock(address), count), 'messages from your address');
    },
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
