/** The metrics for Prometheus. Each server has its own registry, so that several servers can run in one process. */

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  registry: Registry;
  /** @param route a name from a closed list, never a URL that a client invented */
  observeRequest(request: { method: string; route: string; status: number; seconds: number }): void;
}

interface MetricsDeps {
  subscriptionCount: () => number;
  socketCount: () => number;
  lastHeartbeatAgeSeconds: () => number | null;
}

export function createMetrics(deps: MetricsDeps): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const labelNames = ['method', 'route', 'status'] as const;
  const requests = new Counter({
    name: 'opencode_http_requests_total',
    help: 'HTTP requests answered.',
    labelNames,
    registers,
  });
  const duration = new Histogram({
    name: 'opencode_http_request_duration_seconds',
    help: 'Time from reading a request to the end of its response.',
    labelNames: ['method', 'route'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge('opencode_sockets', 'WebSockets that are open.', deps.socketCount);
  gauge(
    'opencode_subscriptions',
    'Subscriptions to project status that are open, and polls that wait.',
    deps.subscriptionCount,
  );
  gauge(
    'opencode_status_heartbeat_age_seconds',
    'Time since the last heartbeat of the watch leader; -1 before the first.',
    () => deps.lastHeartbeatAgeSeconds() ?? -1,
  );
  return {
    registry,
    observeRequest({ method, route, status, seconds }) {
      requests.inc({ method, route, status: String(status) });
      duration.observe({ method, route }, seconds);
    },
  };
}
