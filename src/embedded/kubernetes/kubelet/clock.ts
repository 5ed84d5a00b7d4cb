/** Time as the controllers see it; tests may bring their own. */
export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs: () => number;
  /** Calls back once after a while; returns how to call it off. */
  after: (delayMs: number, callback: () => void) => () => void;
}

export const systemClock: Clock = {
  nowMs: Date.now,
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Resolves after a while, or at once when the signal says stop. */
export async function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const cancel = clock.after(delayMs, done);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
