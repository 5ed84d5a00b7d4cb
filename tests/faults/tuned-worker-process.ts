/** Starts {@link file://./tuned-worker.ts} as its own process. */

import { startWorkerProcess, type ServiceProcess } from '../support/processes.ts';
import type { WorkerSystem } from '../support/worker-system.ts';

/** Each time is that of production unless given. */
export interface WorkerTuning {
  watchTtlMs?: number;
  watchRenewMs?: number;
  resyncMs?: number;
  requestTimeoutMs?: number;
  /** How many projects it reconciles at the same time. */
  concurrency?: number;
}

export function startTunedWorker(places: WorkerSystem['places'], tuning: WorkerTuning = {}): Promise<ServiceProcess> {
  const variables = {
    WATCH_TTL_MS: tuning.watchTtlMs,
    WATCH_RENEW_MS: tuning.watchRenewMs,
    RESYNC_MS: tuning.resyncMs,
    REQUEST_TIMEOUT_MS: tuning.requestTimeoutMs,
    WORKER_CONCURRENCY: tuning.concurrency,
  };
  const env = Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
  return startWorkerProcess({ ...places, entry: 'tests/faults/tuned-worker.ts', env });
}
