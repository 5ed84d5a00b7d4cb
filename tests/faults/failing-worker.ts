/**
 * The worker's program for tests: as `src/worker/main.ts`, but it dies by SIGKILL the first time that it has done the step
 * of FAIL_AFTER, and its times may be shorter. Run it by `startFailingWorker`.
 */

import process from 'node:process';

import { z } from 'zod';

import { readEnvironment } from '../../src/shared/node/environment.ts';
import { createLog } from '../../src/shared/node/log.ts';
import { readWorkerConfig } from '../../src/worker/config.ts';
import { startHealthServer } from '../../src/worker/health.ts';
import type { Step } from '../../src/worker/step.ts';
import { startWorker } from '../../src/worker/worker.ts';

const steps = [
  'job-taken',
  'create-claim',
  'create-pod',
  'delete-pod',
  'delete-claim',
  'recorded',
  'status-written',
] as const satisfies Step[];

const variables = readEnvironment(
  z.object({
    FAIL_AFTER: z.enum(steps).optional(),
    WATCH_TTL_MS: z.coerce.number().default(10_000),
    WATCH_RENEW_MS: z.coerce.number().default(3_000),
    RESYNC_MS: z.coerce.number().default(30_000),
    REQUEST_TIMEOUT_MS: z.coerce.number().default(10_000),
  }),
  process.env,
);

const config = readWorkerConfig(process.env);
const log = createLog({ name: 'failing-worker', level: config.logLevel });
const worker = await startWorker(config, {
  log,
  watchTimes: { ttlMs: variables.WATCH_TTL_MS, renewMs: variables.WATCH_RENEW_MS },
  resyncMs: variables.RESYNC_MS,
  requestTimeoutMs: variables.REQUEST_TIMEOUT_MS,
  async afterStep(step) {
    if (step !== variables.FAIL_AFTER) return;
    process.kill(process.pid, 'SIGKILL');
    await new Promise(() => undefined); // nothing more happens here, however late the signal comes
  },
});
const health = await startHealthServer({
  port: config.metricsPort,
  metrics: worker.metrics,
  readiness: worker.readiness,
});
process.once('SIGTERM', () => {
  void Promise.all([worker.stop(), health.close()]).then(() => process.exit(0));
});
