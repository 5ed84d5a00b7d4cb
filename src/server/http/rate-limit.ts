/** The rate limits of the server: one limiter for each kind of call. `docs/decisions/0016-rate-limits.md` */

import type { Clock } from '../../shared/clock.ts';
import { addressBlock } from '../../shared/node/client-address.ts';
import { admit, createRateLimiter } from '../../shared/node/rate-limiter.ts';
import { maxRateLimitKeys, rateShares } from '../limits.ts';

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
