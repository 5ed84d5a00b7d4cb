import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { isCall, refusal } from '../support/kubernetes-refusal.ts';
import { projectText } from '../support/project-text.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../support/worker-system.ts';

let cluster: QuickCluster;
let system: WorkerSystem;

beforeAll(async () => {
  cluster = await startQuickCluster();
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  system = await createWorkerSystem(cluster);
});
afterEach(() => system.stop());

const quotaExceeded = refusal(
  403,
  'Forbidden',
  'pods "project" is forbidden: exceeded quota: tenant-compute, requested: limits.memory=1280Mi, used: limits.memory=0, limited: limits.memory=512Mi',
);
const invalidSpec = refusal(422, 'Invalid', 'Pod "project" is invalid: spec.containers[0].image: Required value');
const refusals = [
  {
    name: '403 for a quota',
    answer: quotaExceeded,
    reason: 'quota-exceeded',
    words: /quota of memory is used up.*Mend the cause and retry\..*limits\.memory=512Mi/s,
  },
  {
    name: '422 for a spec',
    answer: invalidSpec,
    reason: 'invalid-spec',
    words: /invalid \(its image\).*Mend the cause and retry\..*spec\.containers\[0\]\.image/s,
  },
] as const;

const posts = () => system.kubernetes.requests.filter(isCall('POST', 'pods')).length;

/** Nothing waits and nothing runs: nothing will be sent to the cluster any more for these jobs. */
async function untilQueueRests(): Promise<void> {
  await vi.waitFor(async () => {
    const counts = await system.jobs.getJobCounts('wait', 'active', 'delayed');
    expect(counts).toEqual({ wait: 0, active: 0, delayed: 0 });
  }, 10_000);
}

/** Spoils a field that the watch owns. There is no pod: the comparison of rows and cluster puts it right, and so has looked at the row. */
async function untilResynced(id: string): Promise<void> {
  await system.db('projects').where({ id }).update({ phase: 'Running' });
  await system.until(id, { phase: null });
}

describe.each(refusals)('fault 14: $name', ({ answer, reason, words }) => {
  beforeEach(() => {
    system.kubernetes.fault = (request) => (isCall('POST', 'pods')(request) ? answer : undefined);
  });

  it('is shown as an error with the reason in words', async () => {
    await system.startWorker();
    const project = await system.create();
    const failed = await system.until(project.id, { status: 'error', reason, failedGeneration: 1 });
    expect(projectText(failed)).toMatch(words);
  });

  it('leads to no storm: however often rows and cluster are compared, nothing more is sent', async () => {
    await system.startWorker({}, { resyncMs: 50 });
    const project = await system.create();
    await system.until(project.id, { status: 'error', reason });
    await expectPeace(project.id);
  });

  it('leads to no storm either when a pod that has run is lost and cannot be replaced', async () => {
    system.kubernetes.fault = () => undefined;
    await system.startWorker({}, { resyncMs: 50 });
    const project = await system.create();
    await system.until(project.id, { status: 'ready', observedGeneration: 1 });
    system.kubernetes.fault = (request) => (isCall('POST', 'pods')(request) ? answer : undefined);
    await cluster.api.deleteNamespacedPod({ name: project.podName, namespace: project.namespace });
    await system.until(project.id, { status: 'error', reason, failedGeneration: 1, podUid: null });
    await expectPeace(project.id, { before: 1 });
  });

  async function expectPeace(id: string, { before } = { before: 0 }): Promise<void> {
    await untilQueueRests();
    // A second one is fair: the watch may have called while the first was under way.
    expect(posts() - before).toBeLessThanOrEqual(2);
    const sent = posts();
    for (let round = 0; round < 3; round++) await untilResynced(id);
    await untilQueueRests();
    expect(posts()).toBe(sent);
    expect(await system.read(id)).toMatchObject({ status: 'error', reason });
  }

  it('is passed over by the sweep, which finds another project whose job was lost', async () => {
    await system.startWorker();
    const project = await system.create();
    await system.until(project.id, { status: 'error', reason });
    await untilQueueRests();
    const sent = posts();
    system.kubernetes.fault = () => undefined;
    const lost = await system.create({ queued: false });
    await system.until(lost.id, { status: 'ready' });
    await untilQueueRests();
    expect(posts()).toBe(sent + 1);
    expect(await system.read(project.id)).toMatchObject({ status: 'error', reason });
  });

  it('heals by a retry once the cause is mended', async () => {
    await system.startWorker();
    const project = await system.create();
    await system.until(project.id, { status: 'error', reason });
    system.kubernetes.fault = () => undefined;
    await system.command(project.id, 'retry');
    await system.until(project.id, { status: 'ready', podError: null, failedGeneration: null });
  });

  it('does not keep the owner from deleting the project', async () => {
    await system.startWorker();
    const project = await system.create();
    await system.until(project.id, { status: 'error', reason });
    await system.command(project.id, 'delete');
    await system.until(project.id, { status: 'archived' });
    expect(await system.claimUid(project.id)).toBeNull();
  });
});
