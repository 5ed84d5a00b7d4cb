import { expect, it, onTestFinished, vi } from 'vitest';

import { createClient } from '../../src/shared/sdk/client.ts';
import { startReplicatedPostgres } from '../support/postgres-replica.ts';
import { createTcpProxy } from '../support/tcp-proxy.ts';
import { startTestServer } from '../support/test-server.ts';
import { createWorkerSystem, startQuickCluster } from '../support/worker-system.ts';

const promisedMs = 30_000;

it('fault 36: after a failover to the replica of PostgreSQL commands are carried out, and open pages go on', async () => {
  const [postgres, cluster] = await Promise.all([startReplicatedPostgres(), startQuickCluster()]);
  onTestFinished(async () => void (await Promise.all([postgres.stop(), cluster.stop()])));
  // The address that always leads to the primary.
  const address = { host: '127.0.0.1', port: Number(new URL(postgres.url).port) };
  const proxy = await createTcpProxy(address);
  onTestFinished(() => proxy.close());
  const databaseUrl = Object.assign(new URL(postgres.url), { port: String(proxy.port) }).href;
  const system = await createWorkerSystem(cluster, { databaseUrl });
  onTestFinished(() => system.stop());
  const server = await startTestServer(system.places);
  onTestFinished(() => server.stop());
  await system.startWorker();
  const client = createClient({ url: server.url, token: await server.mintToken('owner') });
  onTestFinished(() => client.close());

  const before = await client.projects.create({ name: 'before' });
  const ready = await system.until(before.id, { status: 'ready', observedGeneration: 1 });
  const names: string[] = [];
  void (async () => {
    for await (const { name } of client.watch(before.id)) names.push(name);
  })();
  await vi.waitFor(() => expect(names).toEqual(['before']), promisedMs);

  await postgres.failOver();
  address.port = postgres.replicaPort;
  const failedOverAt = performance.now();
  await vi.waitFor(() => client.projects.update({ id: before.id, name: 'after' }), promisedMs);
  const created = await vi.waitFor(() => client.projects.create({ name: 'new' }), promisedMs);
  await system.until(created.id, { status: 'ready' }, promisedMs);
  await vi.waitFor(() => expect(names.at(-1)).toBe('after'), promisedMs);
  expect(performance.now() - failedOverAt).toBeLessThan(promisedMs);
  // The pod that ran goes on: its numbers were raised, and it is no older for that.
  expect((await system.read(before.id)).podUid).toBe(ready.podUid);
  expect(await system.podsOf(before.id)).toHaveLength(1);
}, 120_000);
