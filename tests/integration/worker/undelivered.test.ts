import { describe, expect, vi } from 'vitest';

import type { Worker } from '../../../src/worker/worker.ts';
import { isCall, refusal } from '../../support/kubernetes-refusal.ts';
import { readMetric } from '../../support/read-metric.ts';
import { it } from '../../support/worker-test.ts';

const attemptsWithoutQueue = async (worker: Worker) =>
  readMetric(await worker.metrics.registry.metrics(), 'opencode_jobs_total', { name: 'without-queue' });

describe.concurrent('the queue accepts jobs', () => {
  it('and does not deliver them: commands and repairs are carried out within 10 s, with one pod', async ({
    system,
    cluster,
  }) => {
    const worker = await system.startWorker();
    const lost = await system.create();
    const { podUid } = await system.until(lost.id, { status: 'ready', observedGeneration: 1 });
    await system.jobs.pause();
    await cluster.api.deleteNamespacedPod({ name: lost.podName, namespace: 'opencode' });
    const { id } = await system.create();
    const startedAt = performance.now();
    await system.until(id, { status: 'ready' }, 10_000);
    await vi.waitFor(async () => expect((await system.read(lost.id)).podUid).not.toBe(podUid), 10_000);
    await system.until(lost.id, { status: 'ready' });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(await attemptsWithoutQueue(worker)).toBeGreaterThan(0);
    await system.jobs.resume();
    await system.untilQueueIsEmpty();
    for (const project of [id, lost.id]) expect(await system.podsOf(project)).toHaveLength(1);
  }, 40_000);

  it('and delivers them after a back-off: no attempt is made without the queue', async ({ system }) => {
    const posts = () => system.kubernetes.requests.filter(isCall('POST', 'pods')).length;
    system.kubernetes.fault = (request) =>
      isCall('POST', 'pods')(request) ? refusal(500, 'InternalError', 'etcdserver: leader changed') : undefined;
    const worker = await system.startWorker(); // with pauses of 0.25, 0.5, 1, 2 and 4 seconds
    await system.create();
    await vi.waitFor(() => expect(posts()).toBe(6), { timeout: 20_000 });
    expect(await attemptsWithoutQueue(worker)).toBe(0);
  }, 40_000);
});
