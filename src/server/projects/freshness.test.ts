import { describe, expect, it } from 'vitest';

import { freshnessOf, worthTelling } from './freshness.ts';

const asOf = '2026-11-01T10:00:00.000Z';
const heartbeat = { receivedAtMs: 100_000, reachable: true, asOf };

describe('freshness', () => {
  const later = '2026-11-01T10:00:40.000Z';
  const comparison = { comparedAtMs: 140_000, reachable: true, asOf: later };

  it('is never live before the first heartbeat', () => {
    expect(freshnessOf({ heartbeat: null, comparison: null }, 0)).toEqual({ state: 'delayed', asOf: null });
    expect(freshnessOf({ heartbeat: null, comparison }, 140_000)).toEqual({ state: 'delayed', asOf: later });
  });

  it('is live for ten seconds after a heartbeat, then delayed as of the last sight of the cluster', () => {
    expect(freshnessOf({ heartbeat, comparison: null }, 110_000)).toEqual({ state: 'live', asOf });
    expect(freshnessOf({ heartbeat, comparison: null }, 110_001)).toEqual({ state: 'delayed', asOf });
  });

  it('is unreachable while the worker lives and the cluster does not answer it', () => {
    const away = { ...heartbeat, reachable: false };
    expect(freshnessOf({ heartbeat: away, comparison: null }, 101_000)).toEqual({ state: 'unreachable', asOf });
  });

  it('is as of what the database knows while the stream is silent', () => {
    expect(freshnessOf({ heartbeat, comparison }, 141_000)).toEqual({ state: 'delayed', asOf: later });
    const away = { ...comparison, reachable: false };
    expect(freshnessOf({ heartbeat, comparison: away }, 141_000)).toEqual({ state: 'unreachable', asOf: later });
    expect(freshnessOf({ heartbeat, comparison: away }, 155_001)).toEqual({ state: 'delayed', asOf: later });
  });

  it('keeps the later time, whichever way it came', () => {
    const older = { ...comparison, asOf: '2026-11-01T09:59:00.000Z' };
    expect(freshnessOf({ heartbeat, comparison: older }, 141_000)).toEqual({ state: 'delayed', asOf });
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

  it('a newer time every few seconds while it is not live', () => {
    const told = { state: 'unreachable', asOf, atMs: 0 } as const;
    expect(worthTelling(told, away, 4_999)).toBe(false);
    expect(worthTelling(told, away, 5_000)).toBe(true);
  });
});
