/**
 * Starts and stops one gateway as a process of its own. A request whose host is no project gets `/livez`, `/readyz` or
 * `/metrics`.
 */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import type { Clock } from '../shared/clock.ts';
import { AppError } from '../shared/contract/errors.ts';
import { createDatabase } from '../shared/node/db/database.ts';
import { awaitMigrated } from '../shared/node/db/migrate.ts';
import type { Log } from '../shared/node/log.ts';
import { refuseUpgrade, sendText } from './answers.ts';
import { startModelBroker, type RunningBroker } from './broker/broker-context.ts';
import type { GatewayConfig } from './config.ts';
import { createGatewayContext, type GatewayContext } from './context.ts';

/** For the headers of a request. A body may take any time, because it may be an upload. */
const headersTimeoutMs = 10_000;
/** Longer than a load balancer's usual minute: the load balancer must close first. */
const keepAliveTimeoutMs = 72_000;
/** On stop, requests that end by themselves get this long. */
const requestGraceMs = 10_000;

export interface RunningGateway {
  port: number;
  /** Where pods reach the model broker. */
  brokerPort: number;
  stop(): Promise<void>;
}

/** @throws AppError UNAVAILABLE if the database lacks migrations or does not answer, a port cannot be used, or a file of the model broker is wrong */
export async function startGateway(
  config: GatewayConfig,
  options: { log: Log; clock?: Clock; databaseGraceMs?: number },
): Promise<RunningGateway> {
  const { log, databaseGraceMs = 60_000 } = options;
  await awaitDatabase(config, { log, graceMs: databaseGraceMs });
  const context = createGatewayContext(config, { log, ...(options.clock ? { clock: options.clock } : {}) });
  const server = createGatewayServer(context);
  let broker: RunningBroker;
  try {
    broker = await startModelBroker(config.broker, { log, count: context.metrics.countModelRequest });
  } catch (error) {
    await context.stop(0);
    throw error;
  }
  try {
    await listen(server, config);
  } catch (error) {
    await Promise.all([context.stop(0), broker.stop(0)]);
    throw error;
  }
  const { port } = server.address() as AddressInfo; // it listens on TCP
  log.info({ host: config.host, port, domain: config.workspaceUrl }, 'the gateway listens');
  return {
    port,
    brokerPort: broker.port,
    async stop() {
      log.info('the gateway stops');
      server.close();
      server.closeIdleConnections();
      await Promise.all([context.stop(requestGraceMs), broker.stop(requestGraceMs)]);
      server.closeAllConnections();
    },
  };
}

function createGatewayServer(context: GatewayContext): Server {
  const { gateway } = context;
  const server = createServer({ connectionsCheckingInterval: 1_000 }, (request, response) => {
    if (gateway.handles(request)) gateway.handleRequest(request, response);
    else respondToOthers(context, request, response).catch((error: unknown) => sendText(response, 500, String(error)));
  });
  server.headersTimeout = headersTimeoutMs;
  server.requestTimeout = 0;
  server.keepAliveTimeout = keepAliveTimeoutMs;
  server.on('upgrade', (request, socket, head) => {
    if (gateway.handles(request)) gateway.handleUpgrade(request, socket, head);
    else refuseUpgrade(socket, 404);
  });
  server.on('clientError', refuseUnreadable);
  return server;
}

async function respondToOthers(
  { findProblem, metrics }: GatewayContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  switch ((request.url ?? '/').split('?')[0]) {
    case '/livez':
      return sendText(response, 200, 'ok');
    case '/readyz': {
      const problem = await findProblem();
      return problem === null ? sendText(response, 200, 'ok') : sendText(response, 503, problem);
    }
    case '/metrics':
      // A request that came through a proxy comes from outside.
      if (request.headers['x-forwarded-for'] !== undefined) return sendText(response, 404, 'Metrics are not public.');
      response.setHeader('content-type', metrics.registry.contentType);
      response.end(await metrics.registry.metrics());
      return;
    default:
      return sendText(response, 404, 'No project has this address.');
  }
}

/** Bytes that are no HTTP request, two lengths of one body, headers that are too large or too slow. */
function refuseUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const statuses: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };
  refuseUpgrade(socket, statuses[error.code ?? ''] ?? 400);
}

async function awaitDatabase(config: GatewayConfig, options: { graceMs: number; log: Log }): Promise<void> {
  const db = createDatabase(config.databaseUrl, { poolSize: 1, applicationName: 'opencode-gateway' });
  try {
    await awaitMigrated(db, options);
  } finally {
    await db.destroy();
  }
}

async function listen(server: Server, { host, port }: GatewayConfig): Promise<void> {
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (error) {
    const message = `The gateway cannot listen on ${host}:${port}. Set GATEWAY_PORT or HOST to another one.`;
    throw new AppError('UNAVAILABLE', message, { cause: error });
  }
}
