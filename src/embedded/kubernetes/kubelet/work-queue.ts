import type { Clock } from './clock.ts';

export interface WorkQueueOptions {
  clock: Clock;
  signal: AbortSignal;
  log: (line: string) => void;
  /** Brings one thing nearer to what it should be; returns after how many milliseconds to look again, if at all. */
  handle: (key: string) => Promise<number | undefined>;
  /** How many things are worked on at once. */
  concurrency?: number;
}

/**
 * Works on named things, each one by one worker at a time. What is added while it is being worked on is worked on once
 * more; what fails is tried again after a growing pause. Nothing is kept but names, so nothing can be out of date.
 */
export function createWorkQueue({ clock, signal, log, handle, concurrency = 16 }: WorkQueueOptions) {
  const waiting = new Set<string>();
  const running = new Set<string>();
  const timers = new Map<string, { dueMs: number; cancel: () => void }>();
  const failures = new Map<string, number>();

  function add(key: string, delayMs = 0): void {
    if (signal.aborted) return;
    if (delayMs <= 0) {
      cancelTimer(key);
      waiting.add(key);
      runNext();
      return;
    }
    const dueMs = clock.nowMs() + delayMs;
    const planned = timers.get(key);
    if (planned !== undefined && planned.dueMs <= dueMs) return;
    cancelTimer(key);
    const cancel = clock.after(delayMs, () => {
      timers.delete(key);
      add(key);
    });
    timers.set(key, { dueMs, cancel });
  }

  function cancelTimer(key: string): void {
    timers.get(key)?.cancel();
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
