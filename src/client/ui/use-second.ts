import { useSyncExternalStore } from 'react';

/** The present in milliseconds since 1970, in steps of a second: for a time that passes while one looks. */
export function useSecond(): number {
  return useSyncExternalStore(subscribe, () => Math.floor(Date.now() / 1_000) * 1_000);
}

function subscribe(listener: () => void): () => void {
  const timer = setInterval(listener, 250);
  return () => clearInterval(timer);
}
