/** The worker's only HTTP: `/livez`, `/readyz` and `/metrics` on a port of its own, for probes and Prometheus. */
import { once } from 'node:events';
import { createServer } from 'node:http';

import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';

export interface WorkerMetrics {
  registry: Registry;
  /** Jobs by name and how they ended: `done`, `again` (another attempt follows), `failed` (none does). */
  jobEnded(name: string, outcome: 'done' | 'again' | 'failed'): void;
  /** Whether this worker owns the watch and sees the cluster. */
  watchState(state: { owner: boolean; reachable: boolean }): void;
}

/** A registry of this worker's own, so that several can live in one process. */
export function createWorkerMetrics(): WorkerMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const jobs = new Counter({
    name: 'opencode_jobs_total',
    help: 'Attempts at jobs that have ended, by name and outcome.',
    labelNames: ['name', 'outcome'] as const,
    registers,
  });
  const owner = new Gauge({ name: 'opencode_watch_owner', help: '1 while this worker owns the watch.', registers });
  const reachable = new Gauge({
    name: 'opencode_watch_connected',
    help: '1 while this worker owns the watch and the cluster answers it.',
    registers,
  });
  return {
    registry,
    jobEnded: (name, outcome) => jobs.inc({ name, outcome }),
    watchState(state) {
      owner.set(state.owner ? 1 : 0);
      reachable.set(state.owner && state.reachable ? 1 : 0);
    },
  };
}

export interface HealthServer {
  port: number;
  close: () => Promise<void>;
}

/**
 * Listens on all addresses. `missing` says what the worker lacks, or `null` when nothing.
 * @throws Error when the port is in use
 */
export async function startHealthServer(options: {
  port: number;
  metrics: WorkerMetrics;
  missing: () => Promise<string | null>;
}): Promise<HealthServer> {
  const answer = async (path: string): Promise<{ status: number; type: string; body: string }> => {
    switch (path) {
      case '/livez':
        return { status: 200, type: 'application/json', body: '{"status":"ok"}' };
      case '/readyz': {
        const missing = await options.missing();
        const body = JSON.stringify(missing === null ? { status: 'ok' } : { status: 'down', message: missing });
        return { status: missing === null ? 200 : 503, type: 'application/json', body };
      }
      case '/metrics':
        return {
          status: 200,
          type: options.metrics.registry.contentType,
          body: await options.metrics.registry.metrics(),
        };
      default:
        return { status: 404, type: 'text/plain', body: 'There is nothing here but /livez, /readyz and /metrics.\n' };
    }
  };
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    answer((request.url ?? '/').split('?')[0] ?? '/').then(
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
      await once(server, 'close').catch(() => undefined); // closed already
    },
  };
}
