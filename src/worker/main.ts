/** `npm run worker`: runs a worker as its own process. Environment variables configure it, and SIGTERM drains it. */

import process from 'node:process';

import { ConfigurationError } from '../shared/node/environment.ts';
import { createLog } from '../shared/node/log.ts';
import { startTracing } from '../shared/node/tracing.ts';
import { readWorkerConfig } from './config.ts';
import { startHealthServer } from './health.ts';
import { startWorker } from './worker.ts';

try {
  const config = readWorkerConfig(process.env);
  const log = createLog({ name: 'worker', level: config.logLevel });
  const flushTraces = await startTracing({ service: 'opencode-worker', endpoint: config.otlpEndpoint });
  const worker = await startWorker(config, { log });
  const health = await startHealthServer({
    port: config.metricsPort,
    metrics: worker.metrics,
    readiness: worker.readiness,
  });
  let stopping = false;
  const stop = () => {
    if (stopping) process.exit(1); // a second signal ends it immediately
    stopping = true;
    Promise.all([worker.stop(), health.close()]).then(
      () => flushTraces().then(() => process.exit(0)),
      (error: unknown) => {
        log.error({ error: String(error) }, 'the worker did not stop cleanly');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    error instanceof ConfigurationError ? `${message}\n` : `The worker could not start: ${message}\n`,
  );
  process.exit(1);
}
