import { PatchStrategy, setHeaderOptions, type V1Pod } from '@kubernetes/client-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { systemClock } from '../../src/shared/clock.ts';
import { listProjectEvents } from '../../src/shared/node/db/project-events-repository.ts';
import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import type { PassingRequest } from '../support/faulty-kubernetes.ts';
import { isCall } from '../support/kubernetes-refusal.ts';
import { projectText } from '../support/project-text.ts';
import { recordRows } from '../support/row-history.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../support/worker-system.ts';

const namespace = 'opencode';
/** The worker's clock, far enough ahead that no pod is too young to be replaced at once. */
const later = { clock: { ...systemClock, now: () => Date.now() + 60_000 } };

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

async function startReady(options: Parameters<WorkerSystem['startWorker']>[1] = {}): Promise<ProjectRecord> {
  await system.startWorker({}, options);
  const project = await system.create();
  return system.until(project.id, { status: 'ready', observedGeneration: 1 });
}

const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
const patchStatus = (name: string, status: object) =>
  cluster.api.patchNamespacedPodStatus({ name, namespace, body: { status } }, merge);

/** What its owner reads in the timeline, oldest first. */
async function timelineOf(projectId: string): Promise<string[]> {
  const { ownerId } = await system.read(projectId);
  const events = await listProjectEvents(system.db, { projectId, ownerId, beforeId: null, limit: 50 });
  return events.map(({ message }) => message).toReversed();
}

/** One pod, another than before, on the volume that was there before. */
async function expectReplaced(before: ProjectRecord, claimUid: string | null): Promise<void> {
  await vi.waitFor(async () => {
    const { podUid } = await system.read(before.id);
    expect(podUid).not.toBeNull();
    expect(podUid).not.toBe(before.podUid);
  }, 10_000);
  const after = await system.until(before.id, { status: 'ready', generation: 1 });
  expect((await system.podsOf(before.id)).map((pod) => pod.metadata?.uid)).toEqual([after.podUid]);
  expect(await system.claimUid(before.id)).toBe(claimUid);
}

describe('fault 17: the pod is deleted by hand, evicted, or its node is lost', () => {
  it('a pod that was deleted by hand is replaced, after its row has left ready', async () => {
    const before = await startReady();
    const historyOf = await recordRows(system.db);
    const claimUid = await system.claimUid(before.id);
    await cluster.api.deleteNamespacedPod({ name: before.podName, namespace });
    await expectReplaced(before, claimUid);
    const statuses = (await historyOf(before.id)).map(({ status }) => status);
    expect(statuses[0]).toBe('initializing');
    expect(await timelineOf(before.id)).toContainEqual(
      expect.stringMatching(/The pod is gone|The old pod is stopping/),
    );
  });

  it('a pod that was removed without any grace is replaced, and the row says that it was gone', async () => {
    const before = await startReady();
    const claimUid = await system.claimUid(before.id);
    const historyOf = await recordRows(system.db);
    // Held back, so that the row can be seen between the two pods.
    await system.jobs.pause();
    await cluster.api.deleteNamespacedPod({ name: before.podName, namespace, gracePeriodSeconds: 0 });
    const gone = await system.until(before.id, { status: 'initializing', reason: 'pod-gone', podUid: null });
    expect(projectText(gone)).toMatch(/The pod is gone.*A new pod starts by itself\./);
    await system.jobs.resume();
    await expectReplaced(before, claimUid);
    expect((await historyOf(before.id)).map(({ status }) => status)).not.toContain('error');
  });

  it('an evicted pod is replaced, and the timeline says why it was evicted', async () => {
    const before = await startReady(later);
    const claimUid = await system.claimUid(before.id);
    await patchStatus(before.podName, {
      phase: 'Failed',
      reason: 'Evicted',
      message: 'The node was low on resource: memory.',
    });
    await expectReplaced(before, claimUid);
    expect(await timelineOf(before.id)).toContain(
      'The pod was evicted from its node (machine) because the node was short of memory.',
    );
  });

  it('the row tells of an eviction for as long as its pod may not be replaced', async () => {
    await system.startWorker();
    const project = await system.create();
    await system.until(project.id, { status: 'ready', observedGeneration: 1 });
    await patchStatus(project.podName, {
      phase: 'Failed',
      reason: 'Evicted',
      message: 'The node was low on resource: ephemeral-storage.',
    });
    const evicted = await system.until(project.id, { status: 'error', reason: 'evicted', phase: 'Failed' });
    expect(projectText(evicted)).toMatch(
      /evicted.*disk storage.*starts by itself.*low on resource: ephemeral-storage\./s,
    );
    expect(await system.podsOf(project.id)).toHaveLength(1);
  });

  it('the pod of a lost node is replaced as soon as the cluster has removed it, and the timeline names the node', async () => {
    const before = await startReady(later);
    const claimUid = await system.claimUid(before.id);
    // What the node lifecycle controller does first, when the node does not answer any more.
    const pod = await cluster.api.readNamespacedPod({ name: before.podName, namespace });
    await holdBack(pod);
    await patchStatus(before.podName, {
      reason: 'NodeLost',
      message: 'Node node-1 which was running pod is unresponsive',
    });
    const lost = await system.until(before.id, { status: 'error', reason: 'node-lost' });
    expect(lost.message).toMatch(/node \(machine\) that runs the pod no longer answers/);
    // Then it deletes the pod, which nobody stops; the garbage collector of pods removes it when the node is removed.
    await cluster.api.deleteNamespacedPod({ name: before.podName, namespace });
    await release(before);
    await expectReplaced(before, claimUid);
    expect(await timelineOf(before.id)).toContain('The node (machine) that runs the pod no longer answers.');
  });

  it('a pod that stays in Terminating long beyond its grace period gets no twin on its volume; the row tells of it, and it is replaced when gone', async () => {
    const before = await startReady(later);
    const claimUid = await system.claimUid(before.id);
    await holdBack(await cluster.api.readNamespacedPod({ name: before.podName, namespace }));
    await cluster.api.deleteNamespacedPod({ name: before.podName, namespace, gracePeriodSeconds: 1 });
    const stuck = await system.until(before.id, { status: 'initializing', reason: 'stuck-on-finalizer' });
    expect(projectText(stuck)).toMatch(/has ended but is kept by the finalizer "[^"]+".*administrator must find/);
    // Whoever looks again, the answer is the same: on a lost node it may still write to the volume.
    await system.jobs.add('create-pod', { projectId: before.id });
    await vi.waitFor(
      async () => expect(await system.jobs.getJobCounts('wait', 'active')).toEqual({ wait: 0, active: 0 }),
      10_000,
    );
    expect((await system.podsOf(before.id)).map((pod) => pod.metadata?.uid)).toEqual([before.podUid]);
    await release(before);
    await expectReplaced(before, claimUid);
  });

  /** Nothing can remove the pod now, as if nobody on its node answered. */
  function holdBack(pod: V1Pod) {
    const body = { metadata: { finalizers: ['example.com/held-by-a-test'] } };
    return cluster.api.patchNamespacedPod({ name: pod.metadata?.name ?? '', namespace, body }, merge);
  }

  function release({ podName }: ProjectRecord) {
    return cluster.api.patchNamespacedPod(
      { name: podName, namespace, body: { metadata: { finalizers: null } } },
      merge,
    );
  }
});

describe("fault 18: somebody else's object bears our name", () => {
  it('a pod of theirs: the project is in error and says so, even when it is deleted; the pod is untouched', async () => {
    const project = await system.create({ queued: false });
    await cluster.api.createNamespacedPod({
      namespace,
      body: { metadata: { name: project.podName }, spec: { containers: [{ name: 'theirs', image: 'theirs:1' }] } },
    });
    const read = () => cluster.api.readNamespacedPod({ name: project.podName, namespace });
    const theirs = await vi.waitFor(async () => {
      const pod = await read();
      expect(pod.status?.containerStatuses?.[0]?.ready).toBe(true); // its node has nothing to write any more
      return pod;
    }, 10_000);
    await expectLeftAlone(project);
    expect((await read()).metadata).toEqual(theirs.metadata);
    await cluster.api.deleteNamespacedPod({ name: project.podName, namespace });
    await vi.waitFor(async () => expect(await read().catch(() => null)).toBeNull(), 10_000);
    await system.command(project.id, 'retry');
    await system.until(project.id, { status: 'archived' });
  });

  it('a volume of theirs: the project is in error and says so, even when it is deleted; the volume is untouched', async () => {
    const project = await system.create({ queued: false });
    const name = project.workspacePvcName;
    await cluster.api.createNamespacedPersistentVolumeClaim({
      namespace,
      body: {
        metadata: { name },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      },
    });
    const read = () => cluster.api.readNamespacedPersistentVolumeClaim({ name, namespace });
    const theirs = await vi.waitFor(async () => {
      const claim = await read();
      expect(claim.status?.phase).toBe('Bound'); // nobody has anything to write to it any more
      return claim;
    }, 10_000);
    await expectLeftAlone(project);
    expect((await read()).metadata).toEqual(theirs.metadata);
    expect(await system.podsOf(project.id)).toEqual([]);
    await cluster.api.deleteNamespacedPersistentVolumeClaim({ name, namespace });
    await vi.waitFor(async () => expect(await read().catch(() => null)).toBeNull(), 10_000);
    await system.command(project.id, 'retry');
    await system.until(project.id, { status: 'archived' });
  });

  async function expectLeftAlone(project: ProjectRecord): Promise<void> {
    await system.startWorker({}, { resyncMs: 50 });
    const failed = await system.until(project.id, { status: 'error', reason: 'name-conflict' });
    expect(failed.message).toMatch(/belongs to somebody else and is left alone.*administrator/s);
    await system.command(project.id, 'restart');
    await system.until(project.id, { status: 'error', reason: 'name-conflict', failedGeneration: 2 });
    await system.command(project.id, 'delete');
    await system.until(project.id, { status: 'error', reason: 'name-conflict', desiredState: 'deleted' });
    const written = system.kubernetes.requests.filter(({ method }) => method !== 'GET');
    const isCreation = (request: PassingRequest) =>
      (['pods', 'persistentvolumeclaims', 'secrets'] as const).some((plural) => isCall('POST', plural)(request));
    expect(written.filter((request) => !isCreation(request))).toEqual([]);
  }
});
