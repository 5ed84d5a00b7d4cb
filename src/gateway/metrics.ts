/** The metrics of one gateway. Each has its own registry, so that several gateways can run in one process. */

import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';

import type { BrokerOutcome } from './broker/broker-rules.ts';

/** How a request or an upgrade ended. `own`: a page of the gateway itself. */
export type Outcome =
  | 'passed'
  | 'entered'
  | 'own'
  | 'not-ready'
  | 'refused'
  | 'malformed'
  | 'limited'
  | 'unreachable'
  | 'failed';

export interface GatewayMetrics {
  registry: Registry;
  count: (outcome: Outcome) => void;
  countModelRequest: (outcome: BrokerOutcome) => void;
}

export function createGatewayMetrics(openConnections: () => number): GatewayMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'opencode_gateway_requests_total',
    help: 'Requests and WebSockets to the origins of projects, by outcome.',
    labelNames: ['outcome'] as const,
    registers: [registry],
  });
  const modelRequests = new Counter({
    name: 'opencode_gateway_model_requests_total',
    help: 'Requests of projects to models, by outcome.',
    labelNames: ['outcome'] as const,
    registers: [registry],
  });
  // oxlint-disable-next-line no-new -- the registry keeps it
  new Gauge({
    name: 'opencode_gateway_open_connections',
    help: 'Requests and WebSockets that pass now.',
    registers: [registry],
    collect() {
      this.set(openConnections());
    },
  });
  return {
    registry,
    count: (outcome) => requests.inc({ outcome }),
    countModelRequest: (outcome) => modelRequests.inc({ outcome }),
  };
}
