/** Waits for a condition by polling. */

import { setTimeout as delay } from 'node:timers/promises';

/**
 * Calls `probe` until it returns something other than `undefined`, and returns that. Returns `undefined` after `timeoutMs`, so
 * that the caller can write an error message that fits.
 */
export async function waitUntil<T>(
  probe: () => Promise<T | undefined> | T | undefined,
  { timeoutMs, intervalMs = 20 }: { timeoutMs: number; intervalMs?: number },
): Promise<T | undefined> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined) return answer;
    if (performance.now() >= deadline) return undefined;
    await delay(intervalMs);
  }
}
