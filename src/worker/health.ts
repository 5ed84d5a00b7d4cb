/** The worker's only HTTP: `/livez`, `/readyz` and `/metrics` on a port of its own, for probes and Prometheus. */

import { once } from 'node:events';
import { createServer } from 'node:http';

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

import type { StartStepName } from '../shared/contract/diagnosis.ts';
import type { WatchedResource } from './pods/kube/kubernetes-client.ts';

/**
 * What the resync had to put right, by what was wrong. `lost-job`: a wish without a job. `drift`: objects that were not as
 * wished, without a job. `status`: a row that did not say what the cluster shows. `left-over`: an object of a deleted
 * project. `unknown-pod`: a pod of ours that no row knew for an hour.
 */
export type Correction = 'lost-job' | 'drift' | 'status' | 'left-over' | 'unknown-pod';
const corrections: readonly Correction[] = ['lost-job', 'drift', 'status', 'left-over', 'unknown-pod'];

export interface WorkerMetrics {
  registry: Registry;
  /** Counts what the resync put right: nothing, as long as queue and watch lose nothing. */
  corrected(kind: Correction, count?: number): void;
  /** How many objects with our label belong to no row. */
  orphans(counts: { pods: number; claims: number }): void;
  /**
   * Attempts by the job's name (`without-queue` while Redis took none) and how they ended: `done`, `again` (another one
   * follows), `failed` (none does).
   */
  jobEnded(name: string, outcome: 'done' | 'retry' | 'failed'): void;
  /** Whether this worker owns the watch and sees the cluster. */
  watchState(state: { owner: boolean; reachable: boolean }): void;
  /** The watch of this resource has given a sign of life just now. */
  watchHeard(resource: WatchedResource): void;
  /** A project has become ready: how long each step of the start took, and all of it, in milliseconds. */
  started(times: Partial<Record<StartStepName | 'total', number>>): void;
}

/** In seconds: from a pod that needs no image to one whose images come over a slow line. */
const startBuckets = [0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800];

export interface WorkerReadiness {
  /** `degraded`: wishes are carried out, but late or not now; another worker could do no better. */
  status: 'ok' | 'degraded' | 'down';
  /** What is missing, in sentences. */
  messages: string[];
}

/**
 * A registry of this worker's own, so that several can live in one process.
 * @param now milliseconds from any origin
 */
export function createWorkerMetrics(now: () => number = () => performance.now()): WorkerMetrics {
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
  const corrected = new Counter({
    name: 'opencode_resync_corrections_total',
    help: 'What the resync had to put right, by what was wrong; zero is healthy.',
    labelNames: ['kind'] as const,
    registers,
  });
  for (const kind of corrections) corrected.inc({ kind }, 0);
  const unknown = new Gauge({
    name: 'opencode_unknown_objects',
    help: 'Objects with our label that no project knows, by resource. An administrator should look at them.',
    labelNames: ['resource'] as const,
    registers,
  });
  const heardAt = new Map<WatchedResource, number>();
  const watchAge = new Gauge({
    name: 'opencode_watch_age_seconds',
    help: 'Since the watch of this resource last gave a sign of life; only of the worker that owns the watch.',
    labelNames: ['resource'] as const,
    registers,
    collect() {
      for (const [resource, at] of heardAt) watchAge.set({ resource }, (now() - at) / 1_000);
    },
  });
  const starts = new Histogram({
    name: 'opencode_start_seconds',
    help: 'How long starts took until every container was ready, by step; `total` is all of it.',
    labelNames: ['step'] as const,
    buckets: startBuckets,
    registers,
  });
  return {
    registry,
    corrected: (kind, count = 1) => corrected.inc({ kind }, count),
    orphans({ pods, claims }) {
      unknown.set({ resource: 'pods' }, pods);
      unknown.set({ resource: 'persistentvolumeclaims' }, claims);
    },
    jobEnded: (name, outcome) => jobs.inc({ name, outcome }),
    watchState(state) {
      owner.set(state.owner ? 1 : 0);
      reachable.set(state.owner && state.reachable ? 1 : 0);
      if (state.owner) return;
      heardAt.clear();
      watchAge.reset();
    },
    watchHeard: (resource) => void heardAt.set(resource, now()),
    started(times) {
      for (const [step, ms] of Object.entries(times)) starts.observe({ step }, ms / 1_000);
    },
  };
}

export interface HealthServer {
  port: number;
  close: () => Promise<void>;
}

/**
 * Listens on all addresses.
 * @throws Error when the port is in use
 */
export async function startHealthServer(options: {
  port: number;
  metrics: WorkerMetrics;
  readiness: () => Promise<WorkerReadiness>;
}): Promise<HealthServer> {
  const answer = async (path: string): Promise<{ status: number; type: string; body: string }> => {
    switch (path) {
      case '/livez':
        return { status: 200, type: 'application/json', body: '{"status":"ok"}' };
      case '/readyz': {
        const readiness = await options.readiness();
        const status = readiness.status === 'down' ? 503 : 200;
        return { status, type: 'application/json', body: JSON.stringify(readiness) };
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
