import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';

import { startHealthServer } from '../../../src/worker/health.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../../support/worker-system.ts';

const cleanUps: (() => Promise<void>)[] = [];
let cluster: QuickCluster;
let system: WorkerSystem;

beforeAll(async () => {
  cluster = await startQuickCluster();
  system = await createWorkerSystem(cluster);
});
afterAll(async () => {
  await system.stop();
  await cluster.stop();
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

it('a worker answers probes, and reports its jobs and its watch to Prometheus', async () => {
  const worker = await system.startWorker();
  const health = await startHealthServer({ port: 0, metrics: worker.metrics, readiness: worker.readiness });
  cleanUps.push(health.close);
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${health.port}${path}`);
    return { status: response.status, body: await response.text() };
  };
  const project = await system.create();
  await system.until(project.id, { status: 'ready' });

  expect(await get('/livez')).toMatchObject({ status: 200 });
  expect(await get('/readyz')).toEqual({ status: 200, body: '{"status":"ok","messages":[]}' });
  expect(await get('/elsewhere')).toMatchObject({ status: 404 });
  await vi.waitFor(async () => {
    const { body } = await get('/metrics');
    expect(body).toMatch(/^opencode_jobs_total\{name="create-pod",outcome="done"\} [1-9]/m);
    expect(body).toMatch(/^opencode_watch_owner 1$/m);
    expect(body).toMatch(/^opencode_watch_connected 1$/m);
  }, 10_000);

  await worker.stop();
  expect(await get('/readyz')).toEqual({
    status: 503,
    body: '{"status":"down","messages":["The worker is stopping."]}',
  });
  expect((await get('/metrics')).body).toMatch(/^opencode_watch_owner 0$/m);
});
