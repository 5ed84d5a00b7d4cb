import { describe, expect, it, vi } from 'vitest';

import { createPeriodic, pause, runPeriodically } from './periodic.ts';

const ending = () => AbortSignal.timeout(5_000);

describe('a periodic task', () => {
  it('runs immediately and then again after each interval', async () => {
    const stopping = new AbortController();
    const startedAt: number[] = [];
    await runPeriodically(
      {
        task: async () => {
          startedAt.push(performance.now());
          if (startedAt.length === 3) stopping.abort();
        },
        intervalMs: 20,
        onError: () => undefined,
      },
      stopping.signal,
    );
    expect(startedAt).toHaveLength(3);
    expect((startedAt[2] ?? 0) - (startedAt[0] ?? 0)).toBeGreaterThanOrEqual(38);
  });

  it('runs again after the retry delay when it failed', async () => {
    const stopping = new AbortController();
    const errors: unknown[] = [];
    await runPeriodically(
      {
        task: async () => {
          if (errors.length === 2) return stopping.abort();
          throw new Error('broken');
        },
        intervalMs: 60_000,
        retryMs: 1,
        onError: (error) => errors.push(error),
      },
      AbortSignal.any([stopping.signal, ending()]),
    );
    expect(errors).toEqual([new Error('broken'), new Error('broken')]);
  });

  it('runs without a delay after runNow, also when runNow came during a run', async () => {
    const stopping = new AbortController();
    let runs = 0;
    const periodic = createPeriodic({
      task: async () => {
        runs += 1;
        if (runs === 1) periodic.runNow();
        if (runs === 3) stopping.abort();
      },
      intervalMs: 60_000,
      onError: () => undefined,
    });
    const running = periodic.run(AbortSignal.any([stopping.signal, ending()]));
    await vi.waitFor(() => expect(runs).toBe(2));
    periodic.runNow();
    await running;
    expect(runs).toBe(3);
  });
});

describe('pause', () => {
  it('resolves without an error when its signal aborts', async () => {
    const stopping = new AbortController();
    const paused = pause(60_000, stopping.signal);
    stopping.abort();
    await expect(paused).resolves.toBeUndefined();
  });
});
