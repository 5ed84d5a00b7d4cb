import { describe, expect, it } from 'vitest';

import { estimateNote, formatCost, formatTokens } from './format-usage.ts';

const counts = {
  requests: 2,
  unmeasuredRequests: 0,
  unpricedRequests: 0,
  inputTokens: 1,
  cachedInputTokens: 0,
  outputTokens: 1,
  cost: 1.234,
};

describe('usage as texts', () => {
  it('shows a cost only as far as it is known', () => {
    expect(formatCost(counts)).toBe('$1.23');
    expect(formatCost({ ...counts, cost: 0.0001 })).toBe('less than $0.01');
    expect(formatCost({ ...counts, unpricedRequests: 1 })).toBe('at least $1.23');
    expect(formatCost({ ...counts, cost: null, unpricedRequests: 2 })).toBe('unknown');
    expect(formatCost({ ...counts, requests: 0, cost: 0 })).toBe('$0.00');
  });

  it('separates thousands, and shortens millions', () => {
    expect([formatTokens(0), formatTokens(1_234_567), formatTokens(12_340_000)]).toEqual([
      '0',
      '1,234,567',
      '12.3 million',
    ]);
  });

  it('says what is estimated', () => {
    expect(estimateNote(counts)).toBeNull();
    expect(estimateNote({ ...counts, unmeasuredRequests: 1 })).toMatch(/^One request ended/);
    expect(estimateNote({ ...counts, unmeasuredRequests: 2_000 })).toMatch(/^2,000 requests ended/);
  });
});
