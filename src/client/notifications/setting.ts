/** Whether this browser shows notifications. It is stored in the browser; the browser's own permission is separate. */

import { useSyncExternalStore } from 'react';

const storageKey = 'opencode-notifications';
const listeners = new Set<() => void>();

function isNotifying(): boolean {
  try {
    return window.localStorage.getItem(storageKey) === 'on';
  } catch {
    return false; // the browser allows no storage
  }
}

/** Applies to every open tab of this browser. */
export function setNotifying(on: boolean): void {
  try {
    if (on) window.localStorage.setItem(storageKey, 'on');
    else window.localStorage.removeItem(storageKey);
  } catch {
    return; // it stays off
  }
  for (const listener of listeners) listener();
}

export function useNotifying(): boolean {
  return useSyncExternalStore(subscribe, isNotifying);
}

function subscribe(onChange: () => void): () => void {
  listeners.add(onChange);
  // Another tab has changed it.
  window.addEventListener('storage', onChange);
  return () => {
    listeners.delete(onChange);
    window.removeEventListener('storage', onChange);
  };
}
