/**
 * The setting for single-letter shortcuts, kept in this browser. Users of speech input, and users who press keys by
 * accident, can turn them off (WCAG 2.1.4).
 */

import { useSyncExternalStore } from 'react';

const storageKey = 'single-key-shortcuts';
const listeners = new Set<() => void>();

export function areSingleKeysOn(): boolean {
  try {
    return window.localStorage.getItem(storageKey) !== 'off';
  } catch {
    return true; // the browser blocks storage
  }
}

export function setSingleKeys(on: boolean): void {
  try {
    if (on) window.localStorage.removeItem(storageKey);
    else window.localStorage.setItem(storageKey, 'off');
  } catch {
    // The browser blocks storage, so the setting cannot be kept.
  }
  for (const listener of listeners) listener();
}

export function useSingleKeys(): boolean {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, areSingleKeysOn);
}
