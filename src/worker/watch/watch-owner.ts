/**
 * Sees to it that one worker at a time runs the cluster watch: takes the lease when it is free, renews it, and stops the
 * watch at once when it cannot. While it holds the lease it tells the servers every few seconds how fresh the status is.
 */
import { setTimeout as delay } from 'node:timers/promises';

import { acquireLease, releaseLease, renewLease, type Lease } from '../../shared/node/db/leases-repository.ts';
import type { StatusPublisher } from '../../shared/node/status-stream.ts';
import type { WorkerMetrics } from '../health.ts';
import { watchCluster, type ClusterWatchDeps } from './cluster-watch.ts';

const leaseName = 'cluster-watch';

export interface WatchOwnerTimes {
  /** The lease outlives a silent holder by this much. */
  ttlMs: number;
  /** Between renewals, and between tries to take it. */
  renewMs: number;
}

/** Runs until `signal` aborts; then the watch has ended and the lease is free for the next worker. Never rejects. */
export async function ownWatch(
  deps: Omit<ClusterWatchDeps, 'onReachable'> & {
    publisher: StatusPublisher;
    holder: string;
    metrics: Pick<WorkerMetrics, 'watchState'>;
  },
  signal: AbortSignal,
  times: WatchOwnerTimes = { ttlMs: 10_000, renewMs: 3_000 },
): Promise<void> {
  const { db, log } = deps;
  while (!signal.aborted) {
    const lease = await acquireLease(db, { name: leaseName, holder: deps.holder, ttlMs: times.ttlMs }).catch(
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
    const lost = new AbortController();
    const until = AbortSignal.any([signal, lost.signal]);
    const heartbeat = createHeartbeat(deps.publisher, deps.now);
    const onReachable = (reachable: boolean) => {
      deps.metrics.watchState({ owner: true, reachable });
      heartbeat.setReachable(reachable);
    };
    const watching = watchCluster({ ...deps, onReachable }, lease, until);
    let renewedAt = performance.now();
    while (!until.aborted) {
      await heartbeat.beat();
      await pause(times.renewMs, until);
      if (until.aborted) break;
      const askedAt = performance.now();
      const renewed = await renewLease(db, lease, { ttlMs: times.ttlMs }).catch((error: unknown) => {
        log.warn({ error: String(error) }, 'the watch lease could not be renewed; trying again');
        return null;
      });
      if (renewed) renewedAt = askedAt;
      else if (renewed === false || performance.now() - renewedAt > times.ttlMs) {
        log.warn({ epoch: lease.epoch }, 'this worker has lost the watch');
        lost.abort();
      }
    }
    await watching;
    deps.metrics.watchState({ owner: false, reachable: false });
    if (!lost.signal.aborted) await releaseLease(db, lease).catch(() => undefined); // it expires by itself otherwise
  }
}

/**
 * Tells the servers whether the cluster is seen and, if not, when it last was. Good news travels at once; a
 * disconnection counts at the next beat, for most are over before anybody could care.
 */
function createHeartbeat(publisher: StatusPublisher, now: () => Date) {
  let reachable = false;
  let asOf: string | null = null;
  const beat = async () => {
    if (reachable) asOf = now().toISOString();
    await publisher.publish({ type: 'heartbeat', reachable, asOf });
  };
  return {
    beat,
    setReachable: (is: boolean) => {
      if (reachable) asOf = now().toISOString();
      reachable = is;
      if (is) void beat();
    },
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined); // an abort ends the wait; callers look at the signal
}
