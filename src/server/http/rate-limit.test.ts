import * as fc from 'fast-check';
import { expect, it } from 'vitest';

import { AppError } from '../../shared/contract/errors.ts';
import { createRateLimiter, createRateLimits } from './rate-limit.ts';

/** What happens one after another: time passes (or the clock is set back), or somebody asks. */
const event = fc.oneof(
  fc.record({ passMs: fc.integer({ min: -10_000, max: 90_000 }) }),
  fc.record({ key: fc.constantFrom('a', 'b'), cost: fc.integer({ min: 1, max: 30 }) }),
);

it('no key ever gets more in a minute than twice its tokens, nor over any longer time more than its share', () => {
  fc.assert(
    fc.property(fc.integer({ min: 20, max: 500 }), fc.array(event, { maxLength: 200 }), (perMinute, events) => {
      let nowMs = 1_000_000;
      let spent = 0;
      const startedAtMs = nowMs;
      const limiter = createRateLimiter({ perMinute, maxKeys: 10, now: () => nowMs });
      for (const one of events) {
        if ('passMs' in one) nowMs += Math.max(0, one.passMs);
        else if (limiter.take(one.key, one.cost) === 0 && one.key === 'a') spent += Math.min(one.cost, perMinute);
        const minutes = (nowMs - startedAtMs) / 60_000;
        expect(spent).toBeLessThanOrEqual(perMinute * (1 + minutes) + 1);
      }
    }),
  );
});

it('who waits as long as told is served, and what was refused cost nothing', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.array(event, { maxLength: 200 }), (perMinute, events) => {
      let nowMs = 1_000_000;
      const limiter = createRateLimiter({ perMinute, maxKeys: 10, now: () => nowMs });
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

it('a whole minute of tokens may be taken at once, each key for itself', () => {
  const limiter = createRateLimiter({ perMinute: 60, maxKeys: 10, now: () => 0 });
  expect(limiter.take('a', 60)).toBe(0);
  expect(limiter.take('a')).toBeCloseTo(1_000);
  expect(limiter.take('b', 60)).toBe(0);
});

it('remembers so many keys and no more, those that were used last', () => {
  const limiter = createRateLimiter({ perMinute: 1, maxKeys: 100, now: () => 0 });
  expect(limiter.take('steady')).toBe(0);
  for (let index = 0; index < 100_000; index += 1) {
    limiter.take(`other ${index}`);
    expect(limiter.size()).toBeLessThanOrEqual(100);
    if (index % 50 === 0) expect(limiter.take('steady')).toBeGreaterThan(0);
  }
  expect(limiter.size()).toBe(100);
});

it('a refusal says in whole seconds how long to wait', () => {
  const limits = createRateLimits({ perMinute: 60, now: () => 0 });
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

it('strangers of one address do not use up what its signed-in people may ask', () => {
  const limits = createRateLimits({ perMinute: 600, now: () => 0 });
  const stranger = { userId: null, address: '2001:db8:0:1::1' };
  const asStranger = () => limits.admitCalls(stranger, 1);
  for (let index = 0; index < 60; index += 1) asStranger();
  expect(asStranger).toThrow('Too many calls without a sign-in');
  expect(() => limits.admitCalls({ ...stranger, address: '2001:db8:0:1:ffff::2' }, 1)).toThrow('Too many');
  limits.admitCalls({ ...stranger, address: '2001:db8:0:2::1' }, 1);
  limits.admitCalls({ ...stranger, userId: 'somebody' }, 20);
});
