/**
 * What `npm start` is made of, and takes a second or two to load. It is loaded piece by piece, for while a piece is loaded nothing
 * else goes on here: PostgreSQL, which comes up meanwhile, would wait for its next step until all was there.
 */

import { setImmediate as breathe } from 'node:timers/promises';

export async function loadParts() {
  await breathe();
  await thenBreathe(import('@kubernetes/client-node')); // the largest of all
  const { createEmbeddedKubernetes } = await thenBreathe(import('./kubernetes/embedded-kubernetes.ts'));
  const { createEmbeddedIssuer } = await thenBreathe(import('./issuer/issuer.ts'));
  const { startServer } = await thenBreathe(import('../server/server.ts'));
  const { startWorker } = await thenBreathe(import('../worker/worker.ts'));
  const { startHealthServer } = await import('../worker/health.ts');
  const { migrateToLatest } = await import('../shared/node/db/migrate.ts');
  const { startTracing } = await import('../shared/node/tracing.ts');
  return {
    createEmbeddedKubernetes,
    createEmbeddedIssuer,
    startServer,
    startWorker,
    startHealthServer,
    migrateToLatest,
    startTracing,
  };
}

async function thenBreathe<T>(loading: Promise<T>): Promise<T> {
  const part = await loading;
  await breathe();
  return part;
}
