/** The worker's program for tests: as `src/worker/main.ts`, but its times can be shorter. `startTunedWorker` runs it. */

import process from 'node:process';

import { z } from 'zod';

import { readEnvironment } from '../../src/shared/node/environment.ts';
import { createLog } from '../../src/shared/node/log.ts';
import { readWorkerConfig } from '../../src/worker/config.ts';
import { startHealthServer } from '../../src/worker/health.ts';
import { startWorker } from '../../src/worker/worker.ts';

const variables = readEnvironment(
  z.object({
    WATCH_TTL_MS: z.coerce.number().default(10_000),
    WATCH_RENEW_MS: z.coerce.number().default(3_000),
    RESYNC_MS: z.coerce.number().default(30_000),
    REQUEST_TIMEOUT_MS: z.coerce.number().default(10_000),
    REFUSED_RETRY_MS: z.coerce.number().default(30_000),
  }),
  process.env,
);

const config = readWorkerConfig(process.env);
const log = createLog({ name: 'tuned-worker', level: config.logLevel });
const worker = await startWorker(config, {
  log,
  watchTimes: { ttlMs: variables.WATCH_TTL_MS, renewMs: variables.WATCH_RENEW_MS },
  resyncMs: variables.RESYNC_MS,
  requestTimeoutMs: variables.REQUEST_TIMEOUT_MS,
  refusedRetryMs: variables.REFUSED_RETRY_MS,
});
const health = await startHealthServer({
  port: config.metricsPort,
  metrics: worker.metrics,
  readiness: worker.readiness,
});
process.once('SIGTERM', () => {
  void Promise.all([worker.stop(), health.close()]).then(() => process.exit(0));
});
