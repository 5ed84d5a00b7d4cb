/** How fresh the status on the screen is, from the worker's heartbeats: pure. */
import type { Freshness } from '../../shared/contract/events.ts';

/** Three missed heartbeats of five seconds. */
const delayedAfterMs = 15_000;

export interface Heartbeat {
  /** On this server's clock: the worker's may differ. */
  receivedAtMs: number;
  reachable: boolean;
  asOf: string | null;
}

export function freshnessOf(last: Heartbeat | null, nowMs: number): Freshness {
  if (last === null) return { state: 'delayed', asOf: null };
  if (nowMs - last.receivedAtMs > delayedAfterMs) return { state: 'delayed', asOf: last.asOf };
  return { state: last.reachable ? 'live' : 'unreachable', asOf: last.asOf };
}

/** Whether subscribers should hear of `next`: when the state changes, and now and then while it is not live. */
export function worthTelling(told: Freshness & { atMs: number }, next: Freshness, nowMs: number): boolean {
  if (told.state !== next.state) return true;
  return next.state !== 'live' && told.asOf !== next.asOf && nowMs - told.atMs >= 30_000;
}
