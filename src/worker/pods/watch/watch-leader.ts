/**
 * Elects the watch leader: the one worker that watches the cluster and sweeps. It takes the lease when it is free, renews it,
 * and ends the duties immediately when it cannot. The leader reports every few seconds how fresh the status is: in the
 * status stream, and beside the lease, because Redis may be unavailable.
 */

import type { Clock } from '../../../shared/clock.ts';
import type { Database } from '../../../shared/node/db/database.ts';
import {
  acquireLease,
  releaseLease,
  renewLease,
  watchLeaseName,
  type Lease,
  type WatchObservation,
} from '../../../shared/node/db/leases-repository.ts';
import { createLimitedWarn } from '../../../shared/node/log-limit.ts';
import type { Log } from '../../../shared/node/log.ts';
import { pause, runPeriodically } from '../../../shared/node/periodic.ts';
import type { StatusPublisher } from '../../../shared/node/status-stream.ts';
import type { WorkerMetrics } from '../../metrics.ts';

export interface WatchLeaderTimes {
  /** A lease that is not renewed expires after this time. */
  ttlMs: number;
  /** The interval between renewals, and between attempts to take the lease. */
  renewMs: number;
}

/** One term of a leader. */
export interface Leadership {
  lease: Lease;
  /** Aborts when the leadership ends. */
  signal: AbortSignal;
  /** Must be called whenever the cluster becomes reachable or unreachable. */
  onReachable: (reachable: boolean) => void;
}

export interface WatchLeaderDeps {
  db: Database;
  publisher: StatusPublisher;
  /** A name that no other worker has. The same worker has another name after a restart. */
  holder: string;
  /** What only the leader may do, until its signal aborts. Never rejects. */
  duties: (leadership: Leadership) => Promise<unknown>;
  metrics: Pick<WorkerMetrics, 'watchState'>;
  log: Log;
  clock: Clock;
}

/** Runs until `signal` aborts. Then the duties have ended and the lease is free for another worker. Never rejects. */
export function electWatchLeader(
  deps: WatchLeaderDeps,
  signal: AbortSignal,
  times: WatchLeaderTimes = { ttlMs: 10_000, renewMs: 3_000 },
): Promise<void> {
  const { db, holder, log } = deps;
  const warn = createLimitedWarn(log);
  return runPeriodically(
    {
      async task() {
        const lease = await acquireLease(db, { name: watchLeaseName, holder, ttlMs: times.ttlMs });
        if (lease) await lead(deps, lease, { signal, times });
      },
      intervalMs: times.renewMs,
      onError: (error) =>
        warn(String(error), { error: String(error) }, 'the watch lease could not be requested; trying again'),
    },
    signal,
  );
}

/** Carries out the duties until the lease is lost or `signal` aborts. */
async function lead(
  deps: WatchLeaderDeps,
  lease: Lease,
  { signal, times }: { signal: AbortSignal; times: WatchLeaderTimes },
): Promise<void> {
  const { db, metrics, log, clock } = deps;
  log.info({ epoch: lease.epoch }, 'this worker is the watch leader now');
  metrics.watchState({ leader: true, reachable: false });
  const lost = new AbortController();
  const until = AbortSignal.any([signal, lost.signal]);
  const heartbeat = createHeartbeat(deps.publisher, clock);
  const onReachable = (reachable: boolean) => {
    metrics.watchState({ leader: true, reachable });
    heartbeat.setReachable(reachable);
  };
  const duties = deps.duties({ lease, signal: until, onReachable });
  let renewedAt = clock.monotonic();

  async function renew(): Promise<void> {
    const observation = heartbeat.beat();
    const requestedAt = clock.monotonic();
    const renewed = await renewLease(db, lease, { ttlMs: times.ttlMs, ...observation }).catch((error: unknown) => {
      log.warn({ error: String(error) }, 'the watch lease could not be renewed; trying again');
      return null;
    });
    if (renewed) {
      renewedAt = requestedAt;
    } else if (renewed === false || clock.monotonic() - renewedAt > times.ttlMs) {
      log.warn({ epoch: lease.epoch }, 'this worker is no longer the watch leader');
      lost.abort();
    }
  }

  await pause(times.renewMs, until);
  await runPeriodically({ task: renew, intervalMs: times.renewMs, onError: () => undefined }, until); // it handles its errors
  await duties;
  metrics.watchState({ leader: false, reachable: false });
  if (!lost.signal.aborted) await releaseLease(db, lease).catch(() => undefined); // otherwise it expires by itself
}

/**
 * Reports to the servers whether the cluster is reachable and, if not, when it last was. A new connection is reported
 * immediately. A lost connection is reported at the next beat, because most are restored before. Until the first result it
 * reports nothing.
 */
function createHeartbeat(publisher: StatusPublisher, clock: Clock) {
  let reachable: boolean | null = null;
  let observedAt: string | null = null;
  const nowIso = () => new Date(clock.now()).toISOString();
  const beat = (): WatchObservation => {
    if (reachable) observedAt = nowIso();
    if (reachable !== null) void publisher.publish({ type: 'heartbeat', reachable, asOf: observedAt });
    return { reachable, observedAt };
  };
  return {
    beat,
    setReachable(isReachable: boolean) {
      if (reachable) observedAt = nowIso();
      reachable = isReachable;
      if (isReachable) beat();
    },
  };
}
