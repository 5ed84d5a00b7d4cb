/**
 * At most one timer a key, by a clock that is handed in: for what time alone changes, and for news that may wait a moment
 * for more of its kind.
 */
export interface WakeTimers {
  /** Wakes the key at this time, in milliseconds of the clock; in place of what was set before. `null`: never. */
  set(key: string, at: number | null): void;
  has(key: string): boolean;
  stop(): void;
}

/** The longest time that a timer can hold; one that is set for later wakes early, which does no harm. */
const longestMs = 86_400_000;

export function createWakeTimers(options: {
  /** Milliseconds from any origin. */
  now: () => number;
  wake: (key: string) => void;
}): WakeTimers {
  const timers = new Map<string, NodeJS.Timeout>();

  function drop(key: string): void {
    clearTimeout(timers.get(key));
    timers.delete(key);
  }

  return {
    set(key, at) {
      drop(key);
      if (at === null) return;
      const timer = setTimeout(
        () => {
          timers.delete(key);
          options.wake(key);
        },
        Math.min(Math.max(at - options.now(), 0), longestMs),
      );
      timers.set(key, timer);
    },
    has: (key) => timers.has(key),
    stop() {
      for (const key of timers.keys()) drop(key);
    },
  };
}
