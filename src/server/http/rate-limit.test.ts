import * as fc from 'fast-check';
import { expect, it } from 'vitest';

import { createTestClock } from '../../../tests/support/test-clock.ts';
import type { Clock } from '../../shared/clock.ts';
import { AppError } from '../../shared/contract/errors.ts';
import { createRateLimiter } from '../../shared/node/rate-limiter.ts';
import { createRateLimits } from './rate-limit.ts';

/** A clock that shows what `nowMs` returns; it may go back. */
const clockAt = (nowMs: () => number): Clock => ({ now: nowMs, monotonic: nowMs });

/** Time passes (or the clock is set back), or somebody makes a call. */
const event = fc.oneof(
  fc.record({ passMs: fc.integer({ min: -10_000, max: 90_000 }) }),
  fc.record({ key: fc.constantFrom('a', 'b'), cost: fc.integer({ min: 1, max: 30 }) }),
);

it('a key never receives more than its tokens plus its share of the time that passed', () => {
  fc.assert(
    fc.property(fc.integer({ min: 20, max: 500 }), fc.array(event, { maxLength: 200 }), (perMinute, events) => {
      let nowMs = 1_000_000;
      let spent = 0;
      const startedAtMs = nowMs;
      const limiter = createRateLimiter({ perMinute, maxKeys: 10, clock: clockAt(() => nowMs) });
      for (const one of events) {
        if ('passMs' in one) nowMs += Math.max(0, one.passMs);
        else if (limiter.take(one.key, one.cost) === 0 && one.key === 'a') spent += Math.min(one.cost, perMinute);
        const minutes = (nowMs - startedAtMs) / 60_000;
        expect(spent).toBeLessThanOrEqual(perMinute * (1 + minutes) + 1);
      }
    }),
  );
});

it('a caller that waits as long as the refusal says is served, and a refused call costs nothing', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.array(event, { maxLength: 200 }), (perMinute, events) => {
      let nowMs = 1_000_000;
      const limiter = createRateLimiter({ perMinute, maxKeys: 10, clock: clockAt(() => nowMs) });
      for (const one of events) {
        if ('passMs' in one) {
          nowMs += one.passMs;
          continue;
        }
        const waitMs = limiter.take(one.key, one.cost);
        expect(waitMs).toBeLessThanOrEqual(60_001);
        if (waitMs === 0) continue;
        expect(Math.abs(limiter.take(one.key, one.cost) - waitMs)).toBeLessThan(0.001);
        nowMs += waitMs;
        expect(limiter.take(one.key, one.cost)).toBe(0);
      }
    }),
  );
});

it('a key may spend the tokens of a whole minute at once, independently of other keys', () => {
  const limiter = createRateLimiter({ perMinute: 60, maxKeys: 10, clock: createTestClock() });
  expect(limiter.take('a', 60)).toBe(0);
  expect(limiter.take('a')).toBeCloseTo(1_000);
  expect(limiter.take('b', 60)).toBe(0);
});

it('a limiter remembers only the given number of keys, and forgets the least recently used one', () => {
  const limiter = createRateLimiter({ perMinute: 1, maxKeys: 100, clock: createTestClock() });
  expect(limiter.take('steady')).toBe(0);
  for (let index = 0; index < 2_000; index += 1) {
    limiter.take(`other ${index}`);
    expect(limiter.size()).toBeLessThanOrEqual(100);
    if (index % 50 === 0) expect(limiter.take('steady')).toBeGreaterThan(0);
  }
  expect(limiter.size()).toBe(100);
});

it('a refusal names the time to wait in whole seconds', () => {
  const limits = createRateLimits({ perMinute: 60, clock: createTestClock() });
  const user = { userId: 'somebody', address: '192.0.2.1' };
  limits.admitCalls(user, 60);
  let refusal: unknown;
  try {
    limits.admitCalls(user, 3);
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toBeInstanceOf(AppError);
  expect(refusal).toMatchObject({
    code: 'RATE_LIMITED',
    retryAfterSeconds: 3,
    message: 'Too many calls in your name within a minute. Wait 3 seconds and try again.',
  });
});

it('anonymous callers of an address do not use up the tokens of its signed-in users', () => {
  const limits = createRateLimits({ perMinute: 600, clock: createTestClock() });
  const anonymous = { userId: null, address: '2001:db8:0:1::1' };
  const callAnonymously = () => limits.admitCalls(anonymous, 1);
  for (let index = 0; index < 60; index += 1) callAnonymously();
  expect(callAnonymously).toThrow('Too many calls without a sign-in');
  expect(() => limits.admitCalls({ ...anonymous, address: '2001:db8:0:1:ffff::2' }, 1)).toThrow('Too many');
  limits.admitCalls({ ...anonymous, address: '2001:db8:0:2::1' }, 1);
  limits.admitCalls({ ...anonymous, userId: 'somebody' }, 20);
});
