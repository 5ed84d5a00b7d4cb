import { describe, expect, it } from 'vitest';

import { freshnessOf, worthTelling } from './freshness.ts';

const asOf = '2026-11-01T10:00:00.000Z';
const heartbeat = { receivedAtMs: 100_000, reachable: true, asOf };

describe('freshness', () => {
  it('is never live before the first heartbeat', () => {
    expect(freshnessOf(null, 0)).toEqual({ state: 'delayed', asOf: null });
  });

  it('is live for fifteen seconds after a heartbeat, then delayed as of the last sight of the cluster', () => {
    expect(freshnessOf(heartbeat, 115_000)).toEqual({ state: 'live', asOf });
    expect(freshnessOf(heartbeat, 115_001)).toEqual({ state: 'delayed', asOf });
  });

  it('is unreachable while the worker lives and the cluster does not answer it', () => {
    expect(freshnessOf({ ...heartbeat, reachable: false }, 101_000)).toEqual({ state: 'unreachable', asOf });
  });
});

describe('subscribers are told', () => {
  const live = { state: 'live', asOf } as const;
  const away = { state: 'unreachable', asOf: '2026-11-01T10:00:30.000Z' } as const;

  it('when the state changes', () => {
    expect(worthTelling({ ...live, atMs: 0 }, away, 1)).toBe(true);
  });

  it('nothing while it stays live', () => {
    expect(worthTelling({ ...live, atMs: 0 }, { ...live, asOf: '2026-11-01T11:00:00.000Z' }, 3_600_000)).toBe(false);
  });

  it('a newer time every thirty seconds while it is not live', () => {
    const told = { state: 'unreachable', asOf, atMs: 0 } as const;
    expect(worthTelling(told, away, 29_999)).toBe(false);
    expect(worthTelling(told, away, 30_000)).toBe(true);
  });
});
