/** The delay before another attempt: exponential, bounded and random, so that many clients do not retry together. */

export interface BackOffOptions {
  /** The longest possible delay before the second attempt, in milliseconds. */
  firstMs: number;
  /** No delay is longer, in milliseconds. */
  longestMs: number;
  /** A number from 0 (inclusive) to 1 (exclusive), such as `Math.random`. */
  random: () => number;
}

/**
 * The delay in milliseconds after this many failed attempts. The ceiling doubles with each attempt. The delay is random in
 * the upper half of the ceiling: attempt 3 with `firstMs: 500` waits between 1000 and 2000 ms.
 * @param attempt the number of attempts that failed, counted from 1
 */
export function backOffMs(attempt: number, { firstMs, longestMs, random }: BackOffOptions): number {
  const ceilingMs = Math.min(firstMs * 2 ** (attempt - 1), longestMs);
  return Math.round(ceilingMs / 2 + (ceilingMs / 2) * random());
}
