/** The current time as React state, for texts such as "5 min. ago". */

import { useCallback, useSyncExternalStore } from 'react';

import { useApp } from '../app-context.ts';

/** One timer for each step serves all components that use it. It runs only while one of them is mounted. */
const tickers = new Map<number, { listeners: Set<() => void>; timer: number }>();

/**
 * Returns the time in milliseconds since the epoch, rounded down to a multiple of `stepMs`. The component renders again
 * with each step.
 */
export function useNow(stepMs = 30_000): number {
  const { clock } = useApp();
  const subscribe = useCallback((listener: () => void) => addListener(stepMs, listener), [stepMs]);
  return useSyncExternalStore(subscribe, () => Math.floor(clock.now() / stepMs) * stepMs);
}

function addListener(stepMs: number, listener: () => void): () => void {
  const ticker = tickers.get(stepMs) ?? startTicker(stepMs);
  ticker.listeners.add(listener);
  return () => {
    ticker.listeners.delete(listener);
    if (ticker.listeners.size > 0) return;
    window.clearInterval(ticker.timer);
    tickers.delete(stepMs);
  };
}

function startTicker(stepMs: number) {
  const listeners = new Set<() => void>();
  const timer = window.setInterval(() => {
    for (const listener of listeners) listener();
  }, stepMs / 4);
  const ticker = { listeners, timer };
  tickers.set(stepMs, ticker);
  return ticker;
}
