import { useSyncExternalStore } from 'react';

const stepMs = 30_000;
/** One timer for all that is shown, and none while nothing is. */
const listeners = new Set<() => void>();
let timer: number | undefined;

/** The present in milliseconds since 1970, in steps of half a minute: for "5 min. ago". */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => Math.floor(Date.now() / stepMs) * stepMs);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= window.setInterval(() => {
    for (const each of listeners) each();
  }, stepMs / 2);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    window.clearInterval(timer);
    timer = undefined;
  };
}
