/** A work queue of names, as in client-go: one worker per name, retries with back-off, requests for a later run. */

import type { Clock } from '../../../shared/clock.ts';

interface WorkQueueOptions {
  clock: Clock;
  signal: AbortSignal;
  log: (line: string) => void;
  /** Reconciles one object. Returns after how many milliseconds to reconcile it again, if at all. */
  handle: (key: string) => Promise<number | undefined>;
  /** How many objects are reconciled at once. */
  concurrency?: number;
}

/**
 * Calls `handle` for each name that is added, never twice at once for the same name. A name that is added while it is
 * being handled is handled once more. A failed call is repeated after a growing pause. The queue keeps names only, so
 * nothing in it can be out of date.
 */
export function createWorkQueue({ clock, signal, log, handle, concurrency = 16 }: WorkQueueOptions) {
  const waiting = new Set<string>();
  const running = new Set<string>();
  const timers = new Map<string, { dueMs: number; timer: NodeJS.Timeout }>();
  const failures = new Map<string, number>();

  function add(key: string, delayMs = 0): void {
    if (signal.aborted) return;
    if (delayMs <= 0) {
      cancelTimer(key);
      waiting.add(key);
      runNext();
      return;
    }
    const dueMs = clock.monotonic() + delayMs;
    const planned = timers.get(key);
    if (planned !== undefined && planned.dueMs <= dueMs) return;
    cancelTimer(key);
    const timer = setTimeout(() => {
      timers.delete(key);
      add(key);
    }, delayMs);
    timers.set(key, { dueMs, timer });
  }

  function cancelTimer(key: string): void {
    clearTimeout(timers.get(key)?.timer);
    timers.delete(key);
  }

  function runNext(): void {
    for (const key of waiting) {
      if (running.size >= concurrency || signal.aborted) return;
      if (running.has(key)) continue;
      waiting.delete(key);
      running.add(key);
      void work(key);
    }
  }

  async function work(key: string): Promise<void> {
    try {
      const retryAfterMs = await handle(key);
      failures.delete(key);
      if (retryAfterMs !== undefined) add(key, Math.max(1, retryAfterMs));
    } catch (error) {
      if (!signal.aborted) {
        const count = (failures.get(key) ?? 0) + 1;
        failures.set(key, count);
        log(`${key}: ${error instanceof Error ? error.message : String(error)} Trying again.`);
        add(key, Math.min(5000, 100 * 2 ** Math.min(count, 10)) * (0.5 + Math.random() / 2));
      }
    } finally {
      running.delete(key);
      runNext();
    }
  }

  signal.addEventListener('abort', () => {
    for (const key of timers.keys()) cancelTimer(key);
    waiting.clear();
  });

  return { add };
}
