/** Parts of the client that are loaded when they are needed. */

import { createElement, lazy, useState, type ComponentType, type FunctionComponent } from 'react';

/** Waits before each new attempt: a server that restarts is back within them. */
const waitsMs = [400, 1200, 3000, 6000];

export type LazyPart<Props> = FunctionComponent<Props> & {
  /** Loads it ahead. Drawn afterwards it is there at once, while React keeps whatever it had to wait for back for 300 ms. */
  preload: () => Promise<unknown>;
};

/**
 * A component that is loaded when it is first drawn. A failed load is tried again for a while, because what has failed
 * once stays failed for React; then it is an error of the page, which offers to reload.
 */
export function lazyPart<Props extends object>(load: () => Promise<ComponentType<Props>>): LazyPart<Props> {
  let loading: Promise<{ default: ComponentType<Props> }> | null = null;
  let loaded: ComponentType<Props> | null = null;
  const preload = () =>
    (loading ??= loadWithRetry(load, waitsMs).then((component) => {
      loaded = component;
      return { default: component };
    }));
  const Waiting = lazy(preload);
  const Part = (props: Props) => {
    // For as long as it is on the page one and the same, or else what is typed in it would be lost.
    const [Component] = useState<ComponentType<Props>>(() => loaded ?? Waiting);
    return createElement(Component, props);
  };
  return Object.assign(Part, { preload });
}

/** Resolves with what `load` brings, or rejects with its last failure when all waits are used up. */
export async function loadWithRetry<Loaded>(load: () => Promise<Loaded>, waits: readonly number[]): Promise<Loaded> {
  for (const waitMs of waits) {
    try {
      return await load();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
  return load();
}
