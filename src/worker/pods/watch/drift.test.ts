import { describe, expect, it } from 'vitest';

import { claimOf, podOf, testNow } from '../../../../tests/model/fixtures.ts';
import { recordFixture } from '../../../../tests/support/project-fixture.ts';
import { derive } from '../status/derive.ts';
import { classifyDrift, compareWithCluster } from './drift.ts';

const observed = { pod: podOf(), claim: claimOf() };
const acknowledged = recordFixture({ observedGeneration: 1 });
const current = { ...acknowledged, ...derive(acknowledged, observed, new Date(testNow).toISOString()).patch };

describe('compareWithCluster', () => {
  it('agrees when the row shows what the cluster shows and nothing is to do', () => {
    expect(compareWithCluster(current, observed, testNow).agrees).toBe(true);
  });

  it('disagrees when the row shows another status', () => {
    expect(compareWithCluster({ ...current, status: 'error' }, observed, testNow).agrees).toBe(false);
  });

  it('disagrees when an object is missing', () => {
    expect(compareWithCluster(current, { pod: null, claim: claimOf() }, testNow).agrees).toBe(false);
  });
});

describe('classifyDrift', () => {
  const row = { statusVersion: 7 };
  const first = { agrees: false, candidateVersion: null, isQueued: false };
  const second = { agrees: false, candidateVersion: 7, isQueued: false };

  it('finds none when row and cluster agree', () => {
    expect(classifyDrift(row, { ...first, agrees: true })).toBe('none');
    expect(classifyDrift(row, { ...second, agrees: true })).toBe('none');
  });

  it('finds a candidate at the first comparison that disagrees', () => {
    expect(classifyDrift(row, first)).toBe('candidate');
  });

  it('confirms a candidate that is still the same at the second comparison', () => {
    expect(classifyDrift(row, second)).toBe('confirmed');
  });

  it('drops a candidate whose row has changed or is about to be observed', () => {
    expect(classifyDrift({ statusVersion: 8 }, second)).toBe('none');
    expect(classifyDrift(row, { ...second, isQueued: true })).toBe('none');
  });
});
