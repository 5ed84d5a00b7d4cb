/** The time, injected so that tests can set it. */

export interface Clock {
  /** Milliseconds since the epoch. It can jump when the machine's time is corrected. */
  now(): number;
  /** Milliseconds from an arbitrary origin. It never goes back, so durations are measured with it. */
  monotonic(): number;
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };
