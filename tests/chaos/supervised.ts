/**
 * One place for a process of ours, as a cluster has it: whoever dies there is replaced when the plan says so, and a
 * process that ends although nobody asked it to is an offence.
 */

import { setTimeout as delay } from 'node:timers/promises';

import type { ProcessExit, ServiceProcess } from '../support/processes.ts';

export interface Supervised {
  name: string;
  /** The one that runs now. */
  current(): ServiceProcess | null;
  /** Every one that has run here. */
  all(): readonly ServiceProcess[];
  /** Starts one unless one runs; tries again while what it needs is away. */
  start(): Promise<void>;
  /** Ends the present one on purpose. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<{ exit: ProcessExit; tookMs: number } | null>;
}

export function createSupervised(options: {
  name: string;
  launch: () => Promise<ServiceProcess>;
  /** A start that failed, in the words of the program. */
  onFailedStart: (name: string, words: string) => void;
  onUnexpectedEnd: (name: string, exit: ProcessExit, output: string) => void;
}): Supervised {
  const { name, launch, onFailedStart, onUnexpectedEnd } = options;
  const all: ServiceProcess[] = [];
  let current: ServiceProcess | null = null;

  async function launchOnce(): Promise<ServiceProcess> {
    const deadline = performance.now() + 60_000;
    for (;;) {
      try {
        return await launch();
      } catch (error) {
        // As a cluster does: a program that cannot start is started again.
        if (performance.now() > deadline) throw error;
        onFailedStart(name, error instanceof Error ? error.message : String(error));
        await delay(500);
      }
    }
  }

  async function watchEnd(started: ServiceProcess): Promise<void> {
    const exit = await started.exited;
    if (current !== started) return; // it was asked to
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
