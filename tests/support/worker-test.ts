/** `it` for tests of the worker: one cluster for the file, and a database, a Redis and workers for each test. */

import { test } from 'vitest';

import { createOwnRedis } from './own-services.ts';
import { createWorkerSystem, startQuickCluster } from './worker-system.ts';

/**
 * Tests may run concurrently, because each has its own `system`. A test that uses `ownRedis` may also kill, freeze or
 * flush Redis: its `system` uses that Redis instead of the shared one.
 */
export const it = test
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the names of the fixtures from this pattern
  .extend('cluster', { scope: 'file' }, async ({}, { onCleanup }) => {
    const cluster = await startQuickCluster();
    onCleanup(() => cluster.stop());
    return cluster;
  })
  .extend('system', async ({ cluster }, { onCleanup }) => {
    const system = await createWorkerSystem(cluster);
    onCleanup(() => system.stop());
    return system;
  });

export const itWithOwnRedis = it
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the names of the fixtures from this pattern
  .extend('redis', async ({}, { onCleanup }) => {
    const redis = await createOwnRedis();
    onCleanup(() => redis.stop());
    return redis;
  })
  .override('system', async ({ cluster, redis }, { onCleanup }) => {
    const system = await createWorkerSystem(cluster, { redis });
    onCleanup(() => system.stop());
    return system;
  });
