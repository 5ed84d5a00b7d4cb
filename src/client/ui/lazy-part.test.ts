import { describe, expect, it } from 'vitest';

import { loadPatiently } from './lazy-part.ts';

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
    expect(await loadPatiently(loadAfter(2), [1, 1])).toBe(3);
  });

  it('gives up with the last failure when the part stays away', async () => {
    await expect(loadPatiently(loadAfter(9), [1, 1])).rejects.toThrow('attempt 3 failed');
  });
});
