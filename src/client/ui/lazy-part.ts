/** Components whose code is loaded on demand. */

import { createElement, lazy, useState, type ComponentType, type FunctionComponent } from 'react';

/** The delays before the second and later attempts to load. They outlast the restart of a server. */
const retryDelaysMs = [400, 1200, 3000, 6000];

export type LazyPart<Props> = FunctionComponent<Props> & {
  /**
   * Loads the code ahead of time. The part then renders at once. Otherwise React shows the fallback of the nearest
   * `Suspense`, for at least 300 ms.
   */
  preload: () => Promise<unknown>;
};

/**
 * Builds a component that loads its code when it is first rendered. A failed load is tried again a few times. After that
 * the failure is thrown while rendering, and `CrashBoundary` offers to reload the page.
 */
export function lazyPart<Props extends object>(load: () => Promise<ComponentType<Props>>): LazyPart<Props> {
  let loading: Promise<{ default: ComponentType<Props> }> | null = null;
  let loaded: ComponentType<Props> | null = null;
  async function loadOnce(): Promise<{ default: ComponentType<Props> }> {
    try {
      loaded = await loadWithRetry(load, retryDelaysMs);
      return { default: loaded };
    } catch (error) {
      loading = null; // the next preload or first render tries again
      throw error;
    }
  }
  const preload = () => (loading ??= loadOnce());
  const Waiting = lazy(preload);
  const Part = (props: Props) => {
    // A mounted part keeps its component: a switch from `Waiting` to `loaded` would reset its state, such as typed text.
    const [Component] = useState<ComponentType<Props>>(() => loaded ?? Waiting);
    return createElement(Component, props);
  };
  return Object.assign(Part, { preload });
}

/** Calls `load` until it succeeds. Rejects with the last failure when all delays are used up. */
export async function loadWithRetry<Loaded>(load: () => Promise<Loaded>, delaysMs: readonly number[]): Promise<Loaded> {
  for (const delayMs of delaysMs) {
    try {
      return await load();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
  }
  return load();
}
