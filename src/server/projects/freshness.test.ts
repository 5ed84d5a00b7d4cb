import { describe, expect, it } from 'vitest';

import { freshnessOf, shouldPublish } from './freshness.ts';

const asOf = '2026-11-01T10:00:00.000Z';
const laterAsOf = '2026-11-01T10:00:40.000Z';
const heartbeat = { receivedAtMs: 100_000, reachable: true, asOf };
const comparison = { comparedAtMs: 140_000, reachable: true, asOf: laterAsOf };

describe('freshness', () => {
  it('is never live before the first heartbeat', () => {
    expect(freshnessOf({ heartbeat: null, comparison: null }, 0)).toEqual({ state: 'delayed', asOf: null });
    expect(freshnessOf({ heartbeat: null, comparison }, 140_000)).toEqual({ state: 'delayed', asOf: laterAsOf });
  });

  it('is live for ten seconds after a heartbeat, then delayed as of the last observation', () => {
    expect(freshnessOf({ heartbeat, comparison: null }, 110_000)).toEqual({ state: 'live', asOf });
    expect(freshnessOf({ heartbeat, comparison: null }, 110_001)).toEqual({ state: 'delayed', asOf });
  });

  it('is unreachable while the worker sends heartbeats and the cluster does not answer the worker', () => {
    const unreachable = { ...heartbeat, reachable: false };
    expect(freshnessOf({ heartbeat: unreachable, comparison: null }, 101_000)).toEqual({ state: 'unreachable', asOf });
  });

  it('is as of the observation in the database while the stream is silent', () => {
    expect(freshnessOf({ heartbeat, comparison }, 141_000)).toEqual({ state: 'delayed', asOf: laterAsOf });
    const unreachable = { ...comparison, reachable: false };
    expect(freshnessOf({ heartbeat, comparison: unreachable }, 141_000)).toEqual({
      state: 'unreachable',
      asOf: laterAsOf,
    });
    expect(freshnessOf({ heartbeat, comparison: unreachable }, 155_001)).toEqual({ state: 'delayed', asOf: laterAsOf });
  });

  it('keeps the later time of the stream and the database', () => {
    const older = { ...comparison, asOf: '2026-11-01T09:59:00.000Z' };
    expect(freshnessOf({ heartbeat, comparison: older }, 141_000)).toEqual({ state: 'delayed', asOf });
  });
});

describe('a new freshness', () => {
  const live = { state: 'live', asOf } as const;
  const unreachable = { state: 'unreachable', asOf: '2026-11-01T10:00:30.000Z' } as const;

  it('is published when the state changes', () => {
    expect(shouldPublish({ ...live, atMs: 0 }, unreachable, 1)).toBe(true);
  });

  it('is not published while the state stays live', () => {
    expect(shouldPublish({ ...live, atMs: 0 }, { ...live, asOf: '2026-11-01T11:00:00.000Z' }, 3_600_000)).toBe(false);
  });

  it('is published every five seconds while the state is not live and the time advances', () => {
    const previous = { state: 'unreachable', asOf, atMs: 0 } as const;
    expect(shouldPublish(previous, unreachable, 4_999)).toBe(false);
    expect(shouldPublish(previous, unreachable, 5_000)).toBe(true);
  });
});
