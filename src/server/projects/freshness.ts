/** How fresh the status on the screen is, derived from the worker's heartbeats and from the database: pure functions. */

import type { Freshness } from '../../shared/contract/events.ts';

/** Three missed heartbeats of three seconds. */
const delayedAfterMs = 10_000;
/** A comparison with the database is valid until the next one, plus some time for a slow one. */
const comparisonValidMs = 15_000;
/** While the status is not live, subscribers receive a newer `asOf` at most this often. */
const asOfIntervalMs = 5_000;

/** A heartbeat of the watch leader from the status stream, which delivers every change at once. */
export interface Heartbeat {
  /** On this server's monotonic clock: the worker's clock may differ. */
  receivedAtMs: number;
  reachable: boolean;
  asOf: string | null;
}

/** The watch leader's last observation as stored in PostgreSQL. Everything written before it is on the screen. */
export interface Comparison {
  /** On this server's monotonic clock. */
  comparedAtMs: number;
  reachable: boolean | null;
  asOf: string | null;
}

/** Only the stream can make the status live: what comes from the comparison is some seconds old. */
export function freshnessOf(
  last: { heartbeat: Heartbeat | null; comparison: Comparison | null },
  nowMs: number,
): Freshness {
  const { heartbeat, comparison } = last;
  if (heartbeat && nowMs - heartbeat.receivedAtMs <= delayedAfterMs) {
    return { state: heartbeat.reachable ? 'live' : 'unreachable', asOf: heartbeat.asOf };
  }
  const asOf = laterOf(heartbeat?.asOf ?? null, comparison?.asOf ?? null);
  const isKnownUnreachable = comparison?.reachable === false && nowMs - comparison.comparedAtMs <= comparisonValidMs;
  return { state: isKnownUnreachable ? 'unreachable' : 'delayed', asOf };
}

/** Subscribers receive a new state at once, and a newer `asOf` from time to time while the status is not live. */
export function shouldPublish(previous: Freshness & { atMs: number }, next: Freshness, nowMs: number): boolean {
  if (previous.state !== next.state) return true;
  return next.state !== 'live' && previous.asOf !== next.asOf && nowMs - previous.atMs >= asOfIntervalMs;
}

function laterOf(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return Date.parse(a) >= Date.parse(b) ? a : b;
}
