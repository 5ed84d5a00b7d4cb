/**
 * Sees to it that one worker at a time watches the cluster and sweeps: takes the lease when it is free, renews it, and ends
 * the duties at once when it cannot. While it holds the lease it tells the servers every few seconds how fresh the status
 * is: by the stream, and beside the lease for as long as there is no stream.
 */

import { setTimeout as delay } from 'node:timers/promises';

import type { Database } from '../../../shared/node/db/database.ts';
import {
  acquireLease,
  releaseLease,
  renewLease,
  watchLeaseName,
  type Lease,
  type WatchObservation,
} from '../../../shared/node/db/leases-repository.ts';
import type { Log } from '../../../shared/node/log.ts';
import type { StatusPublisher } from '../../../shared/node/status-stream.ts';
import type { WorkerMetrics } from '../../health.ts';

export interface WatchLeaderTimes {
  /** The lease outlives a silent holder by this much. */
  ttlMs: number;
  /** Between renewals, and between tries to take it. */
  renewMs: number;
}

/** What only the owner of the watch may do, until the signal aborts. Never rejects. */
export type LeaderDuties = (watch: {
  lease: Lease;
  signal: AbortSignal;
  /** To be told at every change between seeing the cluster and not. */
  onReachable: (reachable: boolean) => void;
}) => Promise<unknown>;

/** Runs until `signal` aborts; then the duties have ended and the lease is free for the next worker. Never rejects. */
export async function leadWatch(
  deps: {
    db: Database;
    publisher: StatusPublisher;
    /** A name that no other worker has, nor this one after a restart. */
    holder: string;
    duties: LeaderDuties;
    metrics: Pick<WorkerMetrics, 'watchState'>;
    log: Log;
    now: () => Date;
  },
  signal: AbortSignal,
  times: WatchLeaderTimes = { ttlMs: 10_000, renewMs: 3_000 },
): Promise<void> {
  const { db, log } = deps;
  while (!signal.aborted) {
    const lease = await acquireLease(db, { name: watchLeaseName, holder: deps.holder, ttlMs: times.ttlMs }).catch(
      (error: unknown) => {
        log.warn({ error: String(error) }, 'the watch lease could not be asked for; trying again');
        return null;
      },
    );
    if (lease) await hold(lease);
    await pause(times.renewMs, signal);
  }

  async function hold(lease: Lease): Promise<void> {
    log.info({ epoch: lease.epoch }, 'this worker owns the watch now');
    deps.metrics.watchState({ owner: true, reachable: false });
    const lost = new AbortController();
    const until = AbortSignal.any([signal, lost.signal]);
    const heartbeat = createHeartbeat(deps.publisher, deps.now);
    const onReachable = (reachable: boolean) => {
      deps.metrics.watchState({ owner: true, reachable });
      heartbeat.setReachable(reachable);
    };
    const duties = deps.duties({ lease, signal: until, onReachable });
    let renewedAt = performance.now();
    while (!until.aborted) {
      await pause(times.renewMs, until);
      if (until.aborted) break;
      const observation = heartbeat.beat();
      const askedAt = performance.now();
      const renewed = await renewLease(db, lease, { ttlMs: times.ttlMs, ...observation }).catch((error: unknown) => {
        log.warn({ error: String(error) }, 'the watch lease could not be renewed; trying again');
        return null;
      });
      if (renewed) renewedAt = askedAt;
      else if (renewed === false || performance.now() - renewedAt > times.ttlMs) {
        log.warn({ epoch: lease.epoch }, 'this worker has lost the watch');
        lost.abort();
      }
    }
    await duties;
    deps.metrics.watchState({ owner: false, reachable: false });
    if (!lost.signal.aborted) await releaseLease(db, lease).catch(() => undefined); // it expires by itself otherwise
  }
}

/**
 * Tells the servers whether the cluster is seen and, if not, when it last was. Good news travels at once; a
 * disconnection counts at the next beat, for most are over before anybody could care. It says nothing before it knows.
 */
function createHeartbeat(publisher: StatusPublisher, now: () => Date) {
  let reachable: boolean | null = null;
  let asOf: string | null = null;
  const beat = (): WatchObservation => {
    if (reachable) asOf = now().toISOString();
    if (reachable !== null) void publisher.publish({ type: 'heartbeat', reachable, asOf });
    return { reachable, observedAt: asOf };
  };
  return {
    beat,
    setReachable: (is: boolean) => {
      if (reachable) asOf = now().toISOString();
      reachable = is;
      if (is) beat();
    },
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined); // an abort ends the wait; callers look at the signal
}
