/**
 * Keys that need a look, each at most once in the queue and never twice at once. An `add` while a key is being worked on
 * leads to one more look afterwards, so the last state is never missed; states in between may be.
 */

import { setTimeout as delay } from 'node:timers/promises';

export interface WorkQueue {
  add(key: string): void;
  /** Whether the key is queued or being worked on. */
  has(key: string): boolean;
  /** Resolves when nothing is queued or running any more. */
  idle(): Promise<void>;
  /** Drops what is queued and resolves when what runs has ended. */
  stop(): Promise<void>;
}

/** `work` that throws is tried again after `retryMs`, for as long as the queue lives. */
export function createWorkQueue(options: {
  concurrency: number;
  retryMs: number;
  work: (key: string) => Promise<void>;
  onError: (key: string, error: unknown) => void;
}): WorkQueue {
  const queued = new Set<string>();
  const running = new Map<string, Promise<void>>();
  const again = new Set<string>();
  const stopped = new AbortController();
  let waiting: (() => void)[] = [];

  function pump(): void {
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
      again.add(key);
      await delay(options.retryMs, undefined, { signal: stopped.signal }).catch(() => undefined); // stopping ends the wait
    }
    running.delete(key);
    if (again.delete(key) && !stopped.signal.aborted) queued.add(key);
    pump();
  }

  return {
    add(key) {
      if (stopped.signal.aborted) return;
      if (running.has(key)) again.add(key);
      else queued.add(key);
      pump();
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
