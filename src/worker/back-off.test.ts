import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { backOffMs } from './back-off.ts';

describe('backOffMs', () => {
  it('doubles its pauses from half a second up to fifteen', () => {
    const longest = [1, 2, 3, 4, 5, 6, 7, 100].map((attempt) => backOffMs(attempt, () => 1));
    expect(longest).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  });

  it('lies, by chance, anywhere in the upper half of its step', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, chance) => {
          const longest = backOffMs(attempt, () => 1);
          const wait = backOffMs(attempt, () => chance);
          expect(wait).toBeGreaterThanOrEqual(longest / 2);
          expect(wait).toBeLessThanOrEqual(longest);
        },
      ),
    );
    expect(backOffMs(3, () => 0)).not.toBe(backOffMs(3, () => 0.9));
  });
});
