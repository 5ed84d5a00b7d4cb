/**
 * `npm run server`. The server owns the API, sign-in and the distribution of live status. Its loops: the reader of the
 * status stream, the comparison of connected owners with the database, and the check of the sessions of open sockets. It
 * must never call Kubernetes, and no request may depend on Redis.
 */

import process from 'node:process';

import { AppError } from '../shared/contract/errors.ts';
import { parseEnvironment } from '../shared/node/environment.ts';
import { createLog } from '../shared/node/log.ts';
import { startTracing } from '../shared/node/tracing.ts';
import { serverVariables, toServerConfig } from './config.ts';
import { startServer, type RunningServer } from './server.ts';

/** The process exits after this time, even if something hangs. */
const exitLimitMs = 20_000;

const config = toServerConfig(parseEnvironment(serverVariables, process.env));
const log = createLog({ name: 'server', level: config.logLevel });

const flushTraces = await startTracing({ service: 'opencode-server', endpoint: config.otlpEndpoint });

let server: RunningServer | null = null;
const stop = (signal: string) => {
  log.info({ signal }, 'stop requested');
  if (!server) process.exit(0); // it has not served any request yet
  setTimeout(() => process.exit(1), exitLimitMs).unref();
  server.stop().then(
    () => flushTraces().then(() => process.exit(0)),
    (error: unknown) => {
      log.error({ err: error }, 'the server did not stop cleanly');
      process.exit(1);
    },
  );
};
process.once('SIGTERM', stop);
process.once('SIGINT', stop);

try {
  server = await startServer(config, { log });
} catch (error) {
  if (error instanceof AppError) process.stderr.write(`${error.message}\n`);
  else log.fatal({ err: error }, 'the server could not start');
  process.exit(1);
}
