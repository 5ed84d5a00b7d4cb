/** The only HTTP server of the worker: `/livez`, `/readyz` and `/metrics`, for probes and Prometheus. */

import { once } from 'node:events';
import { createServer } from 'node:http';

import type { WorkerMetrics } from './metrics.ts';

export interface WorkerReadiness {
  /** `degraded`: something does not answer, but another worker would do no better. Commands are carried out late. */
  status: 'ok' | 'degraded' | 'down';
  /** What does not work, as sentences for an administrator. */
  messages: string[];
}

export interface HealthServer {
  port: number;
  close: () => Promise<void>;
}

interface HealthOptions {
  port: number;
  metrics: Pick<WorkerMetrics, 'registry'>;
  readiness: () => Promise<WorkerReadiness>;
}

interface Answer {
  status: number;
  type: string;
  body: string;
}

/**
 * Listens on all addresses.
 * @throws Error when the port is in use
 */
export async function startHealthServer(options: HealthOptions): Promise<HealthServer> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    answer(options, (request.url ?? '/').split('?')[0] ?? '/').then(
      ({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body),
      (error: unknown) => response.writeHead(500, { 'content-type': 'text/plain' }).end(`${String(error)}\n`),
    );
  });
  server.listen(options.port);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close').catch(() => undefined); // it was closed before
    },
  };
}

async function answer({ metrics, readiness }: HealthOptions, path: string): Promise<Answer> {
  switch (path) {
    case '/livez':
      return { status: 200, type: 'application/json', body: '{"status":"ok"}' };
    case '/readyz': {
      const state = await readiness();
      return {
        status: state.status === 'down' ? 503 : 200,
        type: 'application/json',
        body: JSON.stringify(state),
      };
    }
    case '/metrics':
      return { status: 200, type: metrics.registry.contentType, body: await metrics.registry.metrics() };
    default:
      return { status: 404, type: 'text/plain', body: 'Only /livez, /readyz and /metrics exist here.\n' };
  }
}
