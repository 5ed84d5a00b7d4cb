/** Starts {@link file://./failing-worker.ts} in front of a test's services. */

import type { Step } from '../../src/worker/step.ts';
import { startWorkerProcess, type ServiceProcess } from '../support/processes.ts';
import type { WorkerSystem } from '../support/worker-system.ts';

export interface FailingWorkerOptions {
  /** Dies by SIGKILL as soon as this step is done. Never, unless told. */
  failAfter?: Step;
  /** As in production unless told otherwise. */
  watchTtlMs?: number;
  watchRenewMs?: number;
  resyncMs?: number;
  requestTimeoutMs?: number;
}

export function startFailingWorker(
  places: WorkerSystem['places'],
  options: FailingWorkerOptions = {},
): Promise<ServiceProcess> {
  const variables = {
    FAIL_AFTER: options.failAfter,
    WATCH_TTL_MS: options.watchTtlMs,
    WATCH_RENEW_MS: options.watchRenewMs,
    RESYNC_MS: options.resyncMs,
    REQUEST_TIMEOUT_MS: options.requestTimeoutMs,
  };
  const env = Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
  return startWorkerProcess({ ...places, entry: 'tests/faults/failing-worker.ts', env });
}
