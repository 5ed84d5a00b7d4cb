/**
 * Imports the modules of `npm start`, which takes one or two seconds. They are imported one after the other, because an import
 * blocks this process. In between, the start of PostgreSQL can continue.
 */

import { setImmediate as yieldToEventLoop } from 'node:timers/promises';

export async function loadParts() {
  await yieldToEventLoop();
  await importThenYield(import('@kubernetes/client-node')); // the largest one
  const { createEmbeddedKubernetes } = await importThenYield(import('./kubernetes/embedded-kubernetes.ts'));
  const { createEmbeddedIssuer } = await importThenYield(import('./issuer/issuer.ts'));
  const { startServer } = await importThenYield(import('../server/server.ts'));
  const { createGatewayContext } = await importThenYield(import('../gateway/context.ts'));
  const { startModelBroker } = await importThenYield(import('../gateway/broker/broker-context.ts'));
  const { startWorker } = await importThenYield(import('../worker/worker.ts'));
  const { createRoomMaker } = await import('./room/make-room.ts');
  const { startHealthServer } = await import('../worker/health.ts');
  const { migrateToLatest } = await import('../shared/node/db/migrate.ts');
  const { startTracing } = await import('../shared/node/tracing.ts');
  return {
    createEmbeddedKubernetes,
    createEmbeddedIssuer,
    startServer,
    createGatewayContext,
    startModelBroker,
    startWorker,
    createRoomMaker,
    startHealthServer,
    migrateToLatest,
    startTracing,
  };
}

async function importThenYield<T>(loading: Promise<T>): Promise<T> {
  const part = await loading;
  await yieldToEventLoop();
  return part;
}
