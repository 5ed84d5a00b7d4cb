/** At most one timer for each key: for statuses that time alone changes, and for events that are collected for a moment. */

export interface WakeTimers {
  /** Wakes the key after this many milliseconds, instead of at the time that was set before. `null`: never. */
  set(key: string, delayMs: number | null): void;
  has(key: string): boolean;
  stop(): void;
}

/** The longest delay of a timer. A key with a longer delay wakes early, which does no harm. */
const longestMs = 86_400_000;

export function createWakeTimers({ wake }: { wake: (key: string) => void }): WakeTimers {
  const timers = new Map<string, NodeJS.Timeout>();

  function drop(key: string): void {
    clearTimeout(timers.get(key));
    timers.delete(key);
  }

  return {
    set(key, delayMs) {
      drop(key);
      if (delayMs === null) return;
      const timer = setTimeout(
        () => {
          timers.delete(key);
          wake(key);
        },
        Math.min(Math.max(delayMs, 0), longestMs),
      );
      timers.set(key, timer);
    },
    has: (key) => timers.has(key),
    stop() {
      for (const key of timers.keys()) drop(key);
    },
  };
}
