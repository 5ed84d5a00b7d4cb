/** A clock that stands still until a test moves it. */

import type { Clock } from '../../src/shared/clock.ts';

export interface TestClock extends Clock {
  advance(ms: number): void;
}

/** @param startMs milliseconds since the epoch */
export function createTestClock(startMs = Date.parse('2026-01-01T12:00:00Z')): TestClock {
  let elapsedMs = 0;
  return {
    now: () => startMs + elapsedMs,
    monotonic: () => elapsedMs,
    advance(ms) {
      elapsedMs += ms;
    },
  };
}
