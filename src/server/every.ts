/** A loop on a clock: one run at a time, a failed run is logged and the next one comes all the same. */

import { setTimeout as delay } from 'node:timers/promises';

import type { Log } from '../shared/node/log.ts';

/** Runs `work` every `intervalMs`, counted from the end of the run before, until the signal aborts. Never rejects. */
export async function every(
  intervalMs: number,
  { name, signal, log }: { name: string; signal: AbortSignal; log: Log },
  work: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await delay(intervalMs, undefined, { signal }).catch(() => undefined); // an abort ends the wait and the loop
    if (signal.aborted) return;
    try {
      await work();
    } catch (error) {
      log.warn({ error: String(error) }, `${name} failed; trying again`);
    }
  }
}
