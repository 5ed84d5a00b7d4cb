/** Lets a loop wait until something has happened, or a time has passed. What happened while nobody waited is not lost. */

export interface WakeUp {
  notify: () => void;
  /** Resolves after `ms`, or at once when `notify` was called since the last wait, or when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export function createWakeUp(): WakeUp {
  let isNotified = false;
  let wake: (() => void) | null = null;
  return {
    notify() {
      isNotified = true;
      wake?.();
    },
    async wait(ms, signal) {
      if (!isNotified && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          signal.addEventListener('abort', () => resolve(), { once: true });
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      wake = null;
      isNotified = false;
    },
  };
}
