/** What has to be stopped again, in reverse order of its start. */

export interface Shutdown {
  add(step: () => Promise<void> | void): void;
  /** Adds a service as soon as it has started. */
  track<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T>;
  /** Runs every step once, the last one first. */
  run(): Promise<void>;
}

export function createShutdown(): Shutdown {
  const steps: (() => Promise<void> | void)[] = [];
  return {
    add: (step) => void steps.push(step),
    async track(starting) {
      const service = await starting;
      steps.push(() => service.stop());
      return service;
    },
    async run() {
      for (const step of steps.splice(0).toReversed()) await step();
    },
  };
}

/** Waits for all tasks, also when one fails, so that every service that has started is tracked before the shutdown. */
export async function allSettled<T extends unknown[]>(tasks: { [K in keyof T]: Promise<T[K]> | T[K] }): Promise<T> {
  await Promise.allSettled(tasks);
  return Promise.all(tasks);
}
