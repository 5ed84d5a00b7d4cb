/** What `npm start` is made of and takes a second or two to load. */
export { startServer } from '../server/server.ts';
export { migrateToLatest } from '../shared/node/db/migrate.ts';
export { startTracing } from '../shared/node/tracing.ts';
export { startHealthServer } from '../worker/health.ts';
export { startWorker } from '../worker/worker.ts';
export { createEmbeddedIssuer } from './issuer/issuer.ts';
export { createEmbeddedKubernetes } from './kubernetes/embedded-kubernetes.ts';
