import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { backOffMs } from './back-off.ts';

const bounds = { firstMs: 500, longestMs: 15_000 };

describe('backOffMs', () => {
  it('doubles the longest delay with each attempt up to the bound', () => {
    const longest = [1, 2, 3, 4, 5, 6, 7, 100].map((attempt) => backOffMs(attempt, { ...bounds, random: () => 1 }));
    expect(longest).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  });

  it('returns a random delay in the upper half of the longest delay', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, chance) => {
          const longest = backOffMs(attempt, { ...bounds, random: () => 1 });
          const delay = backOffMs(attempt, { ...bounds, random: () => chance });
          expect(delay).toBeGreaterThanOrEqual(longest / 2);
          expect(delay).toBeLessThanOrEqual(longest);
        },
      ),
    );
    expect(backOffMs(3, { ...bounds, random: () => 0 })).not.toBe(backOffMs(3, { ...bounds, random: () => 0.9 }));
  });
});
