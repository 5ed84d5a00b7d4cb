import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { createWakeTimers } from './wake-timers.ts';

describe('createWakeTimers', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function setUp() {
    const woken: string[] = [];
    const timers = createWakeTimers({ wake: (key) => woken.push(key) });
    return { timers, woken };
  }

  it('wakes each key once, after its delay', () => {
    const { timers, woken } = setUp();
    timers.set('late', 300);
    timers.set('early', 100);
    vi.advanceTimersByTime(99);
    expect(woken).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(woken).toEqual(['early']);
    expect(timers.has('early')).toBe(false);
    vi.advanceTimersByTime(1_000);
    expect(woken).toEqual(['early', 'late']);
  });

  it('keeps only the last delay of a key', () => {
    const { timers, woken } = setUp();
    timers.set('moved', 100);
    timers.set('moved', 200);
    timers.set('dropped', 100);
    timers.set('dropped', null);
    vi.advanceTimersByTime(150);
    expect(woken).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(woken).toEqual(['moved']);
  });

  it('wakes a key immediately when its time has passed', () => {
    const { timers, woken } = setUp();
    timers.set('past', -5_000);
    vi.advanceTimersByTime(1);
    expect(woken).toEqual(['past']);
  });

  it('wakes no key after stop', () => {
    const { timers, woken } = setUp();
    timers.set('any', 100);
    timers.stop();
    vi.advanceTimersByTime(1_000);
    expect(woken).toEqual([]);
  });
});
