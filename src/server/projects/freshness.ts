/** How fresh the status on the screen is, from the worker's signs of life: pure. */

import type { Freshness } from '../../shared/contract/events.ts';

/** Three missed heartbeats of three seconds. */
const delayedAfterMs = 10_000;
/** What the comparison with the database last found holds until the next one, and a little longer. */
const comparisonHoldsMs = 15_000;

/** A sign of life of the watch's owner that came by the stream, which brings every change at once. */
export interface Heartbeat {
  /** On this server's clock: the worker's may differ. */
  receivedAtMs: number;
  reachable: boolean;
  asOf: string | null;
}

/** The owner's last sight of the cluster as PostgreSQL knows it, and since when all that was written before it is shown. */
export interface Comparison {
  comparedAtMs: number;
  reachable: boolean | null;
  asOf: string | null;
}

/** Live only by the stream: what comes by the comparison is shown as what it is, some seconds old. */
export function freshnessOf(
  last: { heartbeat: Heartbeat | null; comparison: Comparison | null },
  nowMs: number,
): Freshness {
  const { heartbeat, comparison } = last;
  if (heartbeat && nowMs - heartbeat.receivedAtMs <= delayedAfterMs) {
    return { state: heartbeat.reachable ? 'live' : 'unreachable', asOf: heartbeat.asOf };
  }
  const asOf = later(heartbeat?.asOf ?? null, comparison?.asOf ?? null);
  const isKnownUnreachable = comparison?.reachable === false && nowMs - comparison.comparedAtMs <= comparisonHoldsMs;
  return { state: isKnownUnreachable ? 'unreachable' : 'delayed', asOf };
}

/** Whether subscribers should hear of `next`: when the state changes, and now and then while it is not live. */
export function worthTelling(told: Freshness & { atMs: number }, next: Freshness, nowMs: number): boolean {
  if (told.state !== next.state) return true;
  return next.state !== 'live' && told.asOf !== next.asOf && nowMs - told.atMs >= 5_000;
}

function later(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return Date.parse(a) >= Date.parse(b) ? a : b;
}
