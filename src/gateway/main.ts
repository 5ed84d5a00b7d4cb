/** `npm run gateway`: runs the gateway as its own process. Environment variables configure it, and SIGTERM drains it. */

import process from 'node:process';

import { AppError } from '../shared/contract/errors.ts';
import { parseEnvironment } from '../shared/node/environment.ts';
import { createLog } from '../shared/node/log.ts';
import { startTracing } from '../shared/node/tracing.ts';
import { gatewayVariables, toGatewayConfig } from './config.ts';
import { startGateway, type RunningGateway } from './start-gateway.ts';

/** The process exits after this time, even if something hangs. */
const exitLimitMs = 20_000;

const config = toGatewayConfig(parseEnvironment(gatewayVariables, process.env));
const log = createLog({ name: 'gateway', level: config.logLevel });
const flushTraces = await startTracing({ service: 'opencode-gateway', endpoint: config.otlpEndpoint });

let gateway: RunningGateway | null = null;
const stop = () => {
  if (!gateway) process.exit(0); // nothing has passed yet
  setTimeout(() => process.exit(1), exitLimitMs).unref();
  gateway.stop().then(
    () => flushTraces().then(() => process.exit(0)),
    (error: unknown) => {
      log.error({ error: String(error) }, 'the gateway did not stop cleanly');
      process.exit(1);
    },
  );
};
process.once('SIGTERM', stop);
process.once('SIGINT', stop);

try {
  gateway = await startGateway(config, { log });
} catch (error) {
  if (error instanceof AppError) process.stderr.write(`${error.message}\n`);
  else log.fatal({ err: error }, 'the gateway could not start');
  process.exit(1);
}
