import { useSyncExternalStore } from 'react';

const stepMs = 30_000;

/** The present in milliseconds since 1970, in steps of half a minute: for "5 min. ago". */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => Math.floor(Date.now() / stepMs) * stepMs);
}

function subscribe(listener: () => void): () => void {
  const timer = setInterval(listener, stepMs / 2);
  return () => clearInterval(timer);
}
