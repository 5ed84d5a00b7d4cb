/**
 * A queue of keys in memory. Each key is in it at most once and is never processed twice at the same time. An `add` during
 * processing leads to one more run afterwards, so the last state is never missed. Intermediate states may be.
 */

import { pause } from '../shared/node/periodic.ts';

export interface WorkQueue {
  add(key: string): void;
  /** Whether the key is queued or being processed. */
  has(key: string): boolean;
  /** Resolves when nothing is queued or running any more. */
  idle(): Promise<void>;
  /** Drops what is queued and resolves when the running work has ended. */
  stop(): Promise<void>;
}

/** When `work` throws, the key is processed again after `retryMs`, until the queue stops. */
export function createWorkQueue(options: {
  concurrency: number;
  retryMs: number;
  work: (key: string) => Promise<void>;
  onError: (key: string, error: unknown) => void;
}): WorkQueue {
  const queued = new Set<string>();
  const running = new Map<string, Promise<void>>();
  const addedWhileRunning = new Set<string>();
  const stopped = new AbortController();
  let waiting: (() => void)[] = [];

  function startNext(): void {
    for (const key of queued) {
      if (running.size >= options.concurrency) return;
      queued.delete(key);
      running.set(key, run(key));
    }
    if (running.size === 0 && queued.size === 0) {
      for (const resolve of waiting) resolve();
      waiting = [];
    }
  }

  async function run(key: string): Promise<void> {
    try {
      await options.work(key);
    } catch (error) {
      options.onError(key, error);
      addedWhileRunning.add(key);
      await pause(options.retryMs, stopped.signal);
    }
    running.delete(key);
    if (addedWhileRunning.delete(key) && !stopped.signal.aborted) queued.add(key);
    startNext();
  }

  return {
    add(key) {
      if (stopped.signal.aborted) return;
      if (running.has(key)) addedWhileRunning.add(key);
      else queued.add(key);
      startNext();
    },
    has: (key) => running.has(key) || queued.has(key),
    idle: () =>
      running.size === 0 && queued.size === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            waiting.push(resolve);
          }),
    async stop() {
      stopped.abort();
      queued.clear();
      await Promise.all(running.values());
    },
  };
}
