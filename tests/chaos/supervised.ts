/** A server or worker process that is started, ended and replaced by plan. An end without a request is reported. */

import { setTimeout as delay } from 'node:timers/promises';

import type { ProcessExit, ServiceProcess } from '../support/processes.ts';

export interface Supervised {
  name: string;
  /** The running process. */
  current(): ServiceProcess | null;
  /** All processes so far. */
  all(): readonly ServiceProcess[];
  /** Starts a process unless one runs. Retries while its services are unavailable. */
  start(): Promise<void>;
  /** Ends the running process on purpose. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<{ exit: ProcessExit; tookMs: number } | null>;
}

export function createSupervised(options: {
  name: string;
  launch: () => Promise<ServiceProcess>;
  /** Called with the output of a process that could not start. */
  onFailedStart: (name: string, output: string) => void;
  onUnexpectedEnd: (name: string, exit: ProcessExit, output: string) => void;
}): Supervised {
  const { name, launch, onFailedStart, onUnexpectedEnd } = options;
  const all: ServiceProcess[] = [];
  let current: ServiceProcess | null = null;

  async function launchOnce(): Promise<ServiceProcess> {
    const deadline = performance.now() + 200_000;
    for (;;) {
      try {
        return await launch();
      } catch (error) {
        // As in a cluster, a program that cannot start is started again.
        if (performance.now() > deadline) throw error;
        onFailedStart(name, error instanceof Error ? error.message : String(error));
        await delay(500);
      }
    }
  }

  async function watchEnd(started: ServiceProcess): Promise<void> {
    const exit = await started.exited;
    if (current !== started) return; // it was ended on purpose
    current = null;
    onUnexpectedEnd(name, exit, started.output());
  }

  return {
    name,
    current: () => current,
    all: () => all,
    async start() {
      if (current) return;
      const started = await launchOnce();
      current = started;
      all.push(started);
      void watchEnd(started);
    },
    async end(signal) {
      const ending = current;
      if (!ending) return null;
      current = null;
      const startedAt = performance.now();
      const exit = await ending.kill(signal);
      return { exit, tookMs: performance.now() - startedAt };
    },
  };
}
