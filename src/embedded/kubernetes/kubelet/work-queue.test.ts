import { describe, expect, it } from 'vitest';

import { systemClock } from '../../../shared/clock.ts';
import { createWorkQueue } from './work-queue.ts';

describe('the work queue', () => {
  const queueOf = (handle: (key: string) => Promise<number | undefined>, concurrency = 16) => {
    const controller = new AbortController();
    const queue = createWorkQueue({
      clock: systemClock,
      signal: controller.signal,
      log: () => undefined,
      handle,
      concurrency,
    });
    return { ...queue, stop: () => controller.abort() };
  };

  it('handles a name once at a time, and once more when it was added meanwhile', async () => {
    const log: string[] = [];
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const done = new Promise<void>((resolve) => {
      const queue = queueOf(async (key) => {
        log.push(`start ${key}`);
        if (log.length === 1) await gate;
        log.push(`end ${key}`);
        if (log.length === 4) resolve();
        return undefined;
      });
      for (let count = 0; count < 5; count += 1) queue.add('a');
    });
    release();
    await done;
    expect(log).toEqual(['start a', 'end a', 'start a', 'end a']);
  });

  it('repeats a failed call, also after the second failure', async () => {
    const attempts = await new Promise<number>((resolve) => {
      let count = 0;
      const queue = queueOf(async () => {
        count += 1;
        if (count < 3) throw new Error('not yet');
        resolve(count);
        return await Promise.resolve(undefined);
      });
      queue.add('a');
    });
    expect(attempts).toBe(3);
  });

  it('calls the handler again after the time that it returned', async () => {
    const times = await new Promise<number[]>((resolve) => {
      const calls: number[] = [];
      const queue = queueOf(async () => {
        calls.push(performance.now());
        if (calls.length === 2) resolve(calls);
        return await Promise.resolve(calls.length === 1 ? 30 : undefined);
      });
      queue.add('a');
    });
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(28);
  });

  it('calls no handler after it is stopped', async () => {
    let count = 0;
    const queue = queueOf(async () => {
      count += 1;
      return await Promise.resolve(1);
    });
    queue.add('a');
    queue.add('delayed', 5);
    queue.stop();
    queue.add('b');
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(count).toBe(1);
  });
});
