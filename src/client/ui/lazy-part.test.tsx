import { Suspense } from 'react';
import { renderToString } from 'react-dom/server';
import { describe, expect, it } from 'vitest';

import { lazyPart, loadWithRetry } from './lazy-part.ts';

/** Returns a load function that fails the given number of times before it succeeds. */
function loadAfter(failures: number) {
  let attempts = 0;
  return async () => {
    attempts += 1;
    if (attempts <= failures) throw new TypeError(`attempt ${attempts} failed`);
    return attempts;
  };
}

describe('loadWithRetry', () => {
  it('tries again until the load succeeds', async () => {
    expect(await loadWithRetry(loadAfter(2), [1, 1])).toBe(3);
  });

  it('rejects with the last failure when all attempts have failed', async () => {
    await expect(loadWithRetry(loadAfter(9), [1, 1])).rejects.toThrow('attempt 3 failed');
  });
});

const render = (Part: ReturnType<typeof lazyPart>) =>
  renderToString(
    <Suspense fallback="loading">
      <Part />
    </Suspense>,
  );

describe('a lazy part', () => {
  it('renders its fallback until it is loaded, and renders at once when it was preloaded', async () => {
    const Part = lazyPart(async () => () => <p>the part</p>);
    expect(render(Part)).toContain('loading');
    await Part.preload();
    expect(render(Part)).toContain('the part');
    expect(render(Part)).not.toContain('loading');
  });
});
