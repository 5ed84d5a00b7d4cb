import { setTimeout as delay } from 'node:timers/promises';

/**
 * Asks `probe` again and again until it gives something other than `undefined`, and returns that.
 * After `timeoutMs` it returns `undefined`, so that the caller can say in its own words what was awaited in vain.
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
