import { Suspense } from 'react';
import { renderToString } from 'react-dom/server';
import { describe, expect, it } from 'vitest';

import { lazyPart, loadWithRetry } from './lazy-part.ts';

/** A load that fails so many times before it succeeds. */
function loadAfter(failures: number) {
  let attempts = 0;
  return async () => {
    attempts += 1;
    if (attempts <= failures) throw new TypeError(`attempt ${attempts} failed`);
    return attempts;
  };
}

describe('loading a part of the client', () => {
  it('outlasts a server that is away for a while', async () => {
    expect(await loadWithRetry(loadAfter(2), [1, 1])).toBe(3);
  });

  it('gives up with the last failure when the part stays away', async () => {
    await expect(loadWithRetry(loadAfter(9), [1, 1])).rejects.toThrow('attempt 3 failed');
  });
});

const drawn = (Part: ReturnType<typeof lazyPart>) =>
  renderToString(
    <Suspense fallback="loading">
      <Part />
    </Suspense>,
  );

describe('a part of the client', () => {
  it('is there at once when it was loaded ahead, and is waited for when it was not', async () => {
    const Part = lazyPart(async () => () => <p>the part</p>);
    expect(drawn(Part)).toContain('loading');
    await Part.preload();
    expect(drawn(Part)).toContain('the part');
    expect(drawn(Part)).not.toContain('loading');
  });
});
