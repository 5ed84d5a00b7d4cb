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

  it('works on one thing by one worker at a time, and once more when it was added meanwhile', async () => {
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

  it('tries again what failed, the second and the third time too', async () => {
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

  it('looks again after the time that the handler names', async () => {
    const times = await new Promise<number[]>((resolve) => {
      const observed: number[] = [];
      const queue = queueOf(async () => {
        observed.push(performance.now());
        if (observed.length === 2) resolve(observed);
        return await Promise.resolve(observed.length === 1 ? 30 : undefined);
      });
      queue.add('a');
    });
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(28);
  });

  it('does nothing more once it is stopped', async () => {
    let count = 0;
    const queue = queueOf(async () => {
      count += 1;
      return await Promise.resolve(1);
    });
    queue.add('a');
    queue.add('later', 5);
    queue.stop();
    queue.add('b');
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(count).toBe(1);
  });
});
