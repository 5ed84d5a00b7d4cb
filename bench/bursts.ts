/** P3: how many pods per second a burst of creates makes, compared with bare creates of claims and pods. */

import { setTimeout as delay } from 'node:timers/promises';

import type { CoreV1Api } from '@kubernetes/client-node';

import type { ProjectRecord } from '../src/shared/node/db/project-record.ts';
import { createClient } from '../src/shared/sdk/client.ts';
import { claimManifest, podManifest } from '../src/worker/pods/kube/manifests.ts';
import { timesOf, type Result, type Scale } from './measure.ts';
import { podSettings, seedRow } from './seeded.ts';
import { startWorld, type World } from './world.ts';

const namespace = 'opencode';
/** The concurrency of a worker. */
const concurrency = 20;

export async function measureBursts({ quick }: Scale): Promise<Result> {
  const count = quick ? 50 : 1_000;
  const ours = await inWorld(async (world) => {
    const { token } = await world.signIn('burst');
    await world.startWorker();
    const client = createClient({ url: world.server.url, token });
    const startedAt = performance.now();
    await timesOf(count, concurrency, (index) => client.projects.create({ name: `burst ${index}` }));
    await untilPods(world.api, count);
    const seconds = (performance.now() - startedAt) / 1_000;
    await client.close();
    return count / seconds;
  });
  const baseline = await inWorld(async (world) => {
    const { userId } = await world.signIn('burst');
    const settings = await podSettings(world);
    const records: ProjectRecord[] = [];
    for (let index = 0; index < count; index += 1) records.push(await seedRow(world, userId));
    const startedAt = performance.now();
    await timesOf(count, concurrency, async (index) => {
      const record = records[index];
      if (!record) return;
      await world.api.createNamespacedPersistentVolumeClaim({ namespace, body: claimManifest(record, settings) });
      await world.api.createNamespacedPod({ namespace, body: podManifest(record, settings) });
    });
    await untilPods(world.api, count);
    return count / ((performance.now() - startedAt) / 1_000);
  });
  return {
    id: 'P3',
    what: `a burst of ${count} creates by the API until all pods exist`,
    unit: 'pods/s',
    ours,
    baseline,
    budget: { atLeast: 0.8 },
    details: { pods: count },
  };
}

async function inWorld<T>(use: (world: World) => Promise<T>): Promise<T> {
  const world = await startWorld();
  try {
    return await use(world);
  } finally {
    await world.stop();
  }
}

async function untilPods(api: CoreV1Api, count: number): Promise<void> {
  for (;;) {
    const { items, metadata } = await api.listNamespacedPod({ namespace, limit: 1 });
    if (items.length + (metadata?.remainingItemCount ?? 0) >= count) return;
    await delay(20);
  }
}
