import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { createWakeTimers } from './wake-timers.ts';

describe('wake timers', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function setUp() {
    const woken: string[] = [];
    const timers = createWakeTimers({ now: Date.now, wake: (key) => woken.push(key) });
    return { timers, woken };
  }

  it('wake each key once, at its time', () => {
    const { timers, woken } = setUp();
    timers.set('late', 1_000_300);
    timers.set('early', 1_000_100);
    vi.advanceTimersByTime(99);
    expect(woken).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(woken).toEqual(['early']);
    expect(timers.has('early')).toBe(false);
    vi.advanceTimersByTime(1_000);
    expect(woken).toEqual(['early', 'late']);
  });

  it('hold one time a key: the last that was set, or none', () => {
    const { timers, woken } = setUp();
    timers.set('moved', 1_000_100);
    timers.set('moved', 1_000_200);
    timers.set('dropped', 1_000_100);
    timers.set('dropped', null);
    vi.advanceTimersByTime(150);
    expect(woken).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(woken).toEqual(['moved']);
  });

  it('wake at once for a time that is past', () => {
    const { timers, woken } = setUp();
    timers.set('past', 1);
    vi.advanceTimersByTime(1);
    expect(woken).toEqual(['past']);
  });

  it('wake nobody after the stop', () => {
    const { timers, woken } = setUp();
    timers.set('any', 1_000_100);
    timers.stop();
    vi.advanceTimersByTime(1_000);
    expect(woken).toEqual([]);
  });
});
