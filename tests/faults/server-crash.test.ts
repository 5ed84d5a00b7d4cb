import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';

import { bearer, createApiCall } from '../support/api-call.ts';
import { startServerProcess } from '../support/processes.ts';
import { proxyOf } from '../support/tcp-proxy.ts';
import { mintToken } from '../support/test-server.ts';
import { createWorkerSystem, startQuickCluster, type QuickCluster } from '../support/worker-system.ts';
import { startTunedWorker } from './tuned-worker-process.ts';

let cluster: QuickCluster;
beforeAll(async () => {
  cluster = await startQuickCluster();
});
afterAll(() => cluster.stop());

it('fault 1: when a server is killed between the row and the job, the sweep finds the project within 5 s of the start of a worker', async () => {
  const system = await createWorkerSystem(cluster);
  onTestFinished(() => system.stop());
  const { databaseUrl, redisUrl } = system.places;
  const { url, proxy } = await proxyOf(redisUrl);
  onTestFinished(() => proxy.close());
  const server = await startServerProcess({ databaseUrl, redisUrl: url });
  onTestFinished(async () => void (await server.kill()));
  const call = createApiCall(server.url, bearer(await mintToken(databaseUrl, 'user')));
  expect(await call('projects.list', { input: {} })).toMatchObject({ status: 200 });

  proxy.freeze(); // the server waits for Redis now, before it answers
  const answer = call('projects.create', { body: { name: 'Lost' } }).catch(() => 'none');
  const id = await vi.waitFor(
    async () => {
      const row = await system.db<{ id: string }>('projects').first('id');
      expect(row).toBeDefined();
      return row?.id ?? '';
    },
    { timeout: 10_000, interval: 5 },
  );
  expect(await server.kill()).toEqual({ code: null, signal: 'SIGKILL' });
  expect(await answer).toBe('none');
  await proxy.close(); // the frozen command stays lost
  expect(await system.jobs.getJobCountByTypes('wait', 'active', 'delayed')).toBe(0);
  expect(await system.read(id)).toMatchObject({ generation: 1, observedGeneration: 0 });

  const worker = await startTunedWorker(system.places);
  onTestFinished(async () => void (await worker.kill()));
  await system.until(id, { observedGeneration: 1 }, 5_000);
  expect(await worker.metric('opencode_resync_corrections_total', { kind: 'lost-job' })).toBe(1);
  const ready = await system.until(id, { status: 'ready' });
  expect((await system.podsOf(id)).map(({ metadata }) => metadata?.uid)).toEqual([ready.podUid]);
}, 90_000);
