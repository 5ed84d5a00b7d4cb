/**
 * The clock of the cluster, estimated from the `Date` header of its answers (RFC 9110, 6.6.1). Every age of a pod, a claim or
 * an event is computed with it: their times come from the cluster, and the clock of this machine may be wrong.
 */

import type { Clock } from '../../../shared/clock.ts';

export interface ClusterClock extends Clock {
  /** Learns from the `Date` header of an answer that has just been received. Anything else is ignored. */
  observe(date: string | null | undefined): void;
}

/** The header has whole seconds and is a little old when it arrives. A smaller difference is none. */
const toleranceMs = 3_000;
/** A single wrong answer, as of a proxy whose clock is wrong, must not count. */
const samplesKept = 9;

/** @param clock the clock of this machine. Its monotonic time is trusted, its date is not */
export function createClusterClock(clock: Clock): ClusterClock {
  /** The date of the cluster minus our monotonic time, for the newest answers. A jump of our date changes nothing. */
  const samples: number[] = [];

  function estimate(): number | null {
    const sorted = samples.toSorted((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)];
    return median === undefined ? null : median + clock.monotonic();
  }

  return {
    monotonic: () => clock.monotonic(),
    now() {
      const own = clock.now();
      const clusters = estimate();
      return clusters === null || Math.abs(clusters - own) < toleranceMs ? own : Math.round(clusters);
    },
    observe(date) {
      const seconds = Date.parse(date ?? '');
      if (Number.isNaN(seconds)) return;
      // The fraction of the second was cut off.
      samples.push(seconds + 500 - clock.monotonic());
      if (samples.length > samplesKept) samples.shift();
    },
  };
}
