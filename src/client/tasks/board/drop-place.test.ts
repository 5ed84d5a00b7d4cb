import { describe, expect, it } from 'vitest';

import { indexAt, nearestSpan, scrollStep } from './drop-place.ts';

const spans = [
  { from: 0, to: 100 },
  { from: 110, to: 210 },
  { from: 220, to: 320 },
];

describe('the place of a pointer', () => {
  it('is in the column below it, or in the nearest one', () => {
    expect([-50, 50, 104, 106, 150, 999].map((at) => nearestSpan(spans, at))).toEqual([0, 0, 0, 1, 1, 2]);
    expect(nearestSpan([], 5)).toBe(-1);
  });

  it('is below the cards whose middle is above it', () => {
    expect([0, 49, 51, 160, 161, 999].map((at) => indexAt(spans, at))).toEqual([0, 0, 1, 1, 2, 3]);
    expect(indexAt([], 5)).toBe(0);
  });

  it('scrolls near an edge, faster the nearer it is, and not in the middle', () => {
    const box = { from: 100, to: 500 };
    expect([300, 150, 450].map((at) => scrollStep(box, at))).toEqual([0, 0, 0]);
    expect(scrollStep(box, 102)).toBeLessThan(scrollStep(box, 140));
    expect(scrollStep(box, 140)).toBeLessThan(0);
    expect(scrollStep(box, 498)).toBeGreaterThan(scrollStep(box, 460));
    expect(scrollStep(box, 50)).toBe(-14);
    expect(scrollStep(box, 600)).toBe(14);
  });
});
