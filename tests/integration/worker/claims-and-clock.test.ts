import { PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { systemClock } from '../../../src/shared/clock.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../../support/worker-system.ts';

// A failed pod is replaced when it is ten seconds old.
vi.setConfig({ maxConcurrency: 3, testTimeout: 40_000 });

const namespace = 'opencode';
const hour = 3_600_000;
const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
/** The scheduler ignores the pod: it stays pending and has no node. */
const unscheduled = { OPENCODE_IMAGE: 'registry.example.com/no-scheduler:v1' };
/** The pull of this image takes a minute. */
const slowPull = { OPENCODE_IMAGE: 'registry.example.com/slow-pull:v1' };

let cluster: QuickCluster;
beforeAll(async () => {
  cluster = await startQuickCluster();
});
afterAll(() => cluster.stop());

const test = it.extend<{ system: WorkerSystem }>({
  // oxlint-disable-next-line no-empty-pattern -- the library requires an object pattern
  async system({}, use) {
    const system = await createWorkerSystem(cluster);
    await use(system);
    await system.stop();
  },
});

const clockOf = (aheadMs: number) => ({ clock: { ...systemClock, now: () => Date.now() + aheadMs } });

describe('a claim that is deleted under a pod that waits for a node', () => {
  test.concurrent('is created again, and the pod stays', async ({ system }) => {
    await system.startWorker(unscheduled);
    const { id, workspacePvcName: name } = await system.create();
    const { podUid } = await system.until(id, { reason: 'waiting-for-node', observedGeneration: 1 });
    const before = await system.claimUid(id);
    await cluster.api.deleteNamespacedPersistentVolumeClaim({ namespace, name });
    await cluster.api
      .patchNamespacedPersistentVolumeClaim({ namespace, name, body: { metadata: { finalizers: null } } }, merge)
      .catch(() => undefined); // it is gone already
    await vi.waitFor(async () => {
      const uid = await system.claimUid(id);
      expect(uid).not.toBeNull();
      expect(uid).not.toBe(before);
    }, 10_000);
    expect((await system.podsOf(id)).map(({ metadata }) => metadata?.uid)).toEqual([podUid]);
  });
});

describe('a worker whose clock is wrong by an hour', () => {
  test.concurrent.for([hour, -hour])(
    'replaces a failed pod, and calls nothing slow, with a difference of %i ms',
    async (aheadMs, { system }) => {
      await system.startWorker(slowPull, clockOf(aheadMs));
      const { id, podName: name } = await system.create();
      const { podUid, reasonSince } = await system.until(id, { reason: 'creating', observedGeneration: 1 });
      expect(Math.abs(Date.parse(reasonSince ?? '') - Date.now())).toBeLessThan(60_000);
      await cluster.api.patchNamespacedPodStatus(
        { name, namespace, body: { status: { phase: 'Failed', reason: 'Evicted', message: 'out of disk' } } },
        merge,
      );
      await vi.waitFor(async () => {
        const pods = await system.podsOf(id);
        expect(pods.map(({ metadata }) => metadata?.uid)).not.toContain(podUid);
        expect(pods).toHaveLength(1);
      }, 15_000);
      await system.until(id, { reason: 'creating' });
    },
  );
});
