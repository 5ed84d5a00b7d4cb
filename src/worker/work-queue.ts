/**
 * A queue of keys in memory. Each key is in it at most once and is never processed twice at the same time. An `add` during
 * processing leads to one more run afterwards, so the last state is never missed. Intermediate states may be.
 */

export interface WorkQueue {
  add(key: string): void;
  /** Whether the key is queued or being processed. */
  has(key: string): boolean;
  /** Resolves when nothing is queued or running any more. */
  idle(): Promise<void>;
  /** Drops what is queued and resolves when the running work has ended. */
  stop(): Promise<void>;
}

/**
 * When `work` throws, `onError` returns after how many milliseconds the key is processed again. Meanwhile it takes no place,
 * so keys that always fail do not delay others. Nothing is processed again after `stop`.
 */
export function createWorkQueue(options: {
  concurrency: number;
  work: (key: string) => Promise<void>;
  /** @param failures how often the key has failed in a row */
  onError: (key: string, error: unknown, failures: number) => number;
}): WorkQueue {
  const queued = new Set<string>();
  const running = new Map<string, Promise<void>>();
  const addedWhileRunning = new Set<string>();
  /** Keys that failed and are not processed again yet. */
  const failed = new Map<string, { failures: number; timer: NodeJS.Timeout | null }>();
  let isStopped = false;
  let waiting: (() => void)[] = [];

  const isWaitingAfterFailure = (key: string) => (failed.get(key)?.timer ?? null) !== null;
  const isIdle = () => running.size === 0 && queued.size === 0 && ![...failed.keys()].some(isWaitingAfterFailure);

  function startNext(): void {
    for (const key of queued) {
      if (running.size >= options.concurrency) return;
      queued.delete(key);
      running.set(key, run(key));
    }
    if (isIdle()) {
      for (const resolve of waiting) resolve();
      waiting = [];
    }
  }

  async function run(key: string): Promise<void> {
    try {
      await options.work(key);
      failed.delete(key);
    } catch (error) {
      const failures = (failed.get(key)?.failures ?? 0) + 1;
      const delayMs = options.onError(key, error, failures);
      if (!isStopped) failed.set(key, { failures, timer: setTimeout(() => retry(key, failures), delayMs) });
    }
    running.delete(key);
    if (addedWhileRunning.delete(key) && !isStopped && !isWaitingAfterFailure(key)) queued.add(key);
    startNext();
  }

  function retry(key: string, failures: number): void {
    failed.set(key, { failures, timer: null });
    queued.add(key);
    startNext();
  }

  return {
    add(key) {
      if (isStopped || isWaitingAfterFailure(key)) return;
      if (running.has(key)) addedWhileRunning.add(key);
      else queued.add(key);
      startNext();
    },
    has: (key) => running.has(key) || queued.has(key) || isWaitingAfterFailure(key),
    idle: () =>
      isIdle()
        ? Promise.resolve()
        : new Promise((resolve) => {
            waiting.push(resolve);
          }),
    async stop() {
      isStopped = true;
      queued.clear();
      for (const { timer } of failed.values()) clearTimeout(timer ?? undefined);
      failed.clear();
      await Promise.all(running.values());
    },
  };
}
