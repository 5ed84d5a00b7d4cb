/** Parts of the client that are loaded when they are needed. */
import { lazy, type ComponentType } from 'react';

/** Waits before each new attempt: a server that restarts is back within them. */
const waitsMs = [400, 1200, 3000, 6000];

/**
 * A component that is loaded when it is first drawn. A failed load is tried again for a while, because what has failed
 * once stays failed for React; then it is an error of the page, which offers to reload.
 */
export function lazyPart<Props extends object>(load: () => Promise<ComponentType<Props>>) {
  return lazy(async () => ({ default: await loadPatiently(load, waitsMs) }));
}

/** Resolves with what `load` brings, or rejects with its last failure when all waits are used up. */
export async function loadPatiently<Loaded>(load: () => Promise<Loaded>, waits: readonly number[]): Promise<Loaded> {
  for (const waitMs of waits) {
    try {
      return await load();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
  return load();
}
