import { describe, expect, it } from 'vitest';

import { createClusterClock } from './cluster-clock.ts';

const noon = Date.parse('2026-01-01T12:00:00Z');
const hour = 3_600_000;

/** A machine whose date is wrong by `aheadMs`. */
function machine(aheadMs: number) {
  let passedMs = 0;
  let jumpMs = 0;
  return {
    clock: { now: () => noon + aheadMs + jumpMs + passedMs, monotonic: () => 5_000 + passedMs },
    pass: (ms: number) => (passedMs += ms),
    jump: (ms: number) => (jumpMs += ms),
  };
}

describe('the clock of the cluster', () => {
  it.each([hour, -hour, 10 * 60_000])('is right on a machine whose clock is wrong by %i ms', (aheadMs) => {
    const { clock, pass } = machine(aheadMs);
    const cluster = createClusterClock(clock);
    cluster.observe(new Date(noon).toUTCString());
    pass(90_000);
    expect(Math.abs(cluster.now() - (noon + 90_000))).toBeLessThan(1_000);
  });

  it('is the clock of the machine before the first answer, and when both agree within seconds', () => {
    const { clock } = machine(0);
    const cluster = createClusterClock(clock);
    expect(cluster.now()).toBe(noon);
    cluster.observe(new Date(noon - 1_500).toUTCString());
    expect(cluster.now()).toBe(noon);
  });

  it('does not follow when the clock of the machine is set', () => {
    const { clock, jump } = machine(0);
    const cluster = createClusterClock(clock);
    cluster.observe(new Date(noon).toUTCString());
    jump(hour);
    expect(Math.abs(cluster.now() - noon)).toBeLessThan(1_000);
  });

  it('ignores answers without a date, and a single answer with a wrong one', () => {
    const { clock } = machine(hour);
    const cluster = createClusterClock(clock);
    for (const date of [null, undefined, '', 'yesterday']) cluster.observe(date);
    expect(cluster.now()).toBe(noon + hour);
    for (const date of [noon, noon, noon + 24 * hour, noon]) cluster.observe(new Date(date).toUTCString());
    expect(Math.abs(cluster.now() - noon)).toBeLessThan(1_000);
  });
});
