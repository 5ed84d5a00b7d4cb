/** Runs a task at an interval until a signal aborts: the loop behind sweep, resync, pruning and lease renewal. */

import { setTimeout as delay } from 'node:timers/promises';

export interface PeriodicOptions {
  task: (signal: AbortSignal) => Promise<void>;
  /** The delay between the end of one run and the start of the next, in milliseconds. */
  intervalMs: number;
  /** The delay after a run that failed; `intervalMs` unless given. */
  retryMs?: number;
  onError: (error: unknown) => void;
}

export interface Periodic {
  /** Runs the task immediately and then at the interval, until `signal` aborts. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
  /** Ends the current delay. When the task is running, the next run follows without a delay. */
  runNow(): void;
}

export function createPeriodic({ task, intervalMs, retryMs = intervalMs, onError }: PeriodicOptions): Periodic {
  let skipDelay = new AbortController();
  return {
    async run(signal) {
      while (!signal.aborted) {
        skipDelay = new AbortController();
        const delayMs = await task(signal).then(
          () => intervalMs,
          (error: unknown) => {
            onError(error);
            return retryMs;
          },
        );
        await pause(delayMs, AbortSignal.any([signal, skipDelay.signal]));
      }
    },
    runNow: () => skipDelay.abort(),
  };
}

/** Runs the task immediately and then at the interval, until `signal` aborts. Never rejects. */
export function runPeriodically(options: PeriodicOptions, signal: AbortSignal): Promise<void> {
  return createPeriodic(options).run(signal);
}

/** Resolves after this time, or as soon as `signal` aborts. Never rejects. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined); // only an abort rejects
}
