import { PatchStrategy, setHeaderOptions, type CoreV1Api, type V1Pod } from '@kubernetes/client-node';
import { describe, expect, vi } from 'vitest';

import { systemClock } from '../../src/shared/clock.ts';
import { listProjectEvents } from '../../src/shared/node/db/project-events-repository.ts';
import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import type { PassingRequest } from '../support/faulty-kubernetes.ts';
import { isCall } from '../support/kubernetes-refusal.ts';
import { projectText } from '../support/project-text.ts';
import { recordRows } from '../support/row-history.ts';
import type { WorkerSystem } from '../support/worker-system.ts';
import { it } from '../support/worker-test.ts';

const namespace = 'opencode';
/** The worker's clock is an hour ahead. That changes nothing: ages are those of the cluster's clock. */
const aheadOfTime = { clock: { ...systemClock, now: () => Date.now() + 3_600_000 } };
/** A failed pod is replaced when it is ten seconds old. */
const replacedMs = 20_000;

async function startReady(
  system: WorkerSystem,
  options: Parameters<WorkerSystem['startWorker']>[1] = {},
): Promise<ProjectRecord> {
  await system.startWorker({}, options);
  const project = await system.create();
  return system.until(project.id, { status: 'ready', observedGeneration: 1 });
}

const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
const patchStatus = (api: CoreV1Api, name: string, status: object) =>
  api.patchNamespacedPodStatus({ name, namespace, body: { status } }, merge);

/** The messages of the project's timeline, oldest first. */
async function timelineOf(system: WorkerSystem, projectId: string): Promise<string[]> {
  const events = await listProjectEvents(system.db, { projectId, beforeId: null, limit: 50 });
  return events.map(({ message }) => message).toReversed();
}

/** Waits until exactly one new pod is ready, on the claim that existed before. */
async function expectReplaced(system: WorkerSystem, before: ProjectRecord, claimUid: string | null): Promise<void> {
  await vi.waitFor(async () => {
    const { podUid } = await system.read(before.id);
    expect(podUid).not.toBeNull();
    expect(podUid).not.toBe(before.podUid);
  }, replacedMs);
  const after = await system.until(before.id, { status: 'ready', generation: 1 });
  expect((await system.podsOf(before.id)).map((pod) => pod.metadata?.uid)).toEqual([after.podUid]);
  expect(await system.claimUid(before.id)).toBe(claimUid);
}

describe('fault 17: the pod is deleted by hand, evicted, or its node is lost', () => {
  it('a pod that was deleted by hand is replaced, after its row has left the status ready', async ({
    system,
    cluster,
  }) => {
    const before = await startReady(system);
    const historyOf = await recordRows(system.db);
    const claimUid = await system.claimUid(before.id);
    await cluster.api.deleteNamespacedPod({ name: before.podName, namespace });
    await expectReplaced(system, before, claimUid);
    const statuses = (await historyOf(before.id)).map(({ status }) => status);
    expect(statuses[0]).toBe('initializing');
    expect(await timelineOf(system, before.id)).toContainEqual(
      expect.stringMatching(/The pod is gone|The old pod is stopping/),
    );
  });

  it('a pod that was deleted without a grace period is replaced, and the row says that it was gone', async ({
    system,
    cluster,
  }) => {
    const before = await startReady(system);
    const claimUid = await system.claimUid(before.id);
    const historyOf = await recordRows(system.db);
    // The queue is paused so that the row can be read between the two pods.
    await system.jobs.pause();
    await cluster.api.deleteNamespacedPod({ name: before.podName, namespace, gracePeriodSeconds: 0 });
    const gone = await system.until(before.id, { status: 'initializing', reason: 'pod-gone', podUid: null });
    expect(projectText(gone)).toMatch(/The pod is gone.*A new pod starts by itself\./);
    await system.jobs.resume();
    await expectReplaced(system, before, claimUid);
    expect((await historyOf(before.id)).map(({ status }) => status)).not.toContain('error');
  });

  it('an evicted pod is replaced, and the timeline says why it was evicted', async ({ system, cluster }) => {
    const before = await startReady(system, aheadOfTime);
    const claimUid = await system.claimUid(before.id);
    await patchStatus(cluster.api, before.podName, {
      phase: 'Failed',
      reason: 'Evicted',
      message: 'The node was low on resource: memory.',
    });
    await expectReplaced(system, before, claimUid);
    expect(await timelineOf(system, before.id)).toContainEqual(
      expect.stringMatching(/evicted because its node .* short of memory/),
    );
  });

  it('the row shows an eviction as long as the pod is too young to be replaced', async ({ system, cluster }) => {
    await system.startWorker();
    const project = await system.create();
    await system.until(project.id, { status: 'ready', observedGeneration: 1 });
    await patchStatus(cluster.api, project.podName, {
      phase: 'Failed',
      reason: 'Evicted',
      message: 'The node was low on resource: ephemeral-storage.',
    });
    const evicted = await system.until(project.id, {
      status: 'initializing',
      reason: 'node-pressure',
      phase: 'Failed',
    });
    expect(projectText(evicted)).toMatch(
      /evicted.*disk storage.*starts by itself.*low on resource: ephemeral-storage\./s,
    );
    expect(await system.podsOf(project.id)).toHaveLength(1);
  });

  it('the pod of a lost node is replaced as soon as the cluster has removed it, and the timeline names the lost node', async ({
    system,
    cluster,
  }) => {
    const before = await startReady(system, aheadOfTime);
    const claimUid = await system.claimUid(before.id);
    // The node lifecycle controller does this first when a node no longer answers.
    const pod = await cluster.api.readNamespacedPod({ name: before.podName, namespace });
    await holdBack(cluster.api, pod);
    await patchStatus(cluster.api, before.podName, {
      reason: 'NodeLost',
      message: 'Node node-1 which was running pod is unresponsive',
    });
    const lost = await system.until(before.id, { status: 'error', reason: 'node-lost' });
    expect(lost.message).toMatch(/node \(machine\) that runs the pod no longer answers/);
    // Then it deletes the pod, which no kubelet stops. The pod garbage collector removes it when the node is removed.
    await cluster.api.deleteNamespacedPod({ name: before.podName, namespace });
    await release(cluster.api, before);
    await expectReplaced(system, before, claimUid);
    expect(await timelineOf(system, before.id)).toContain('The node (machine) that runs the pod no longer answers.');
  });

  it('a pod that is stuck in Terminating is shown in the row and is replaced only when it is gone, so that two pods never share a volume', async ({
    system,
    cluster,
  }) => {
    const before = await startReady(system, aheadOfTime);
    const claimUid = await system.claimUid(before.id);
    await holdBack(cluster.api, await cluster.api.readNamespacedPod({ name: before.podName, namespace }));
    await cluster.api.deleteNamespacedPod({ name: before.podName, namespace, gracePeriodSeconds: 1 });
    const stuck = await system.until(before.id, { status: 'initializing', reason: 'stuck-on-finalizer' });
    expect(projectText(stuck)).toMatch(/has ended but is kept by the finalizer "[^"]+".*administrator must find/);
    // Another reconcile must not create a pod either: on a lost node the old pod may still write to the volume.
    await system.jobs.add('create-pod', { projectId: before.id });
    await vi.waitFor(
      async () => expect(await system.jobs.getJobCounts('wait', 'active')).toEqual({ wait: 0, active: 0 }),
      10_000,
    );
    expect((await system.podsOf(before.id)).map((pod) => pod.metadata?.uid)).toEqual([before.podUid]);
    await release(cluster.api, before);
    await expectReplaced(system, before, claimUid);
  });

  /** A finalizer keeps the pod, as when its node does not answer. */
  function holdBack(api: CoreV1Api, pod: V1Pod) {
    const body = { metadata: { finalizers: ['example.com/held-by-a-test'] } };
    return api.patchNamespacedPod({ name: pod.metadata?.name ?? '', namespace, body }, merge);
  }

  function release(api: CoreV1Api, { podName }: ProjectRecord) {
    return api.patchNamespacedPod({ name: podName, namespace, body: { metadata: { finalizers: null } } }, merge);
  }
});

describe('fault 18: an object of somebody else has the name of a pod or claim of ours', () => {
  it('with a pod of somebody else under its name, the project fails with a name conflict, also when it is deleted, and the pod is untouched', async ({
    system,
    cluster,
  }) => {
    const project = await system.create({ queued: false });
    await cluster.api.createNamespacedPod({
      namespace,
      body: { metadata: { name: project.podName }, spec: { containers: [{ name: 'theirs', image: 'theirs:1' }] } },
    });
    const read = () => cluster.api.readNamespacedPod({ name: project.podName, namespace });
    const theirs = await vi.waitFor(async () => {
      const pod = await read();
      expect(pod.status?.containerStatuses?.[0]?.ready).toBe(true); // so the kubelet does not write to it again
      return pod;
    }, 10_000);
    await expectLeftAlone(system, project);
    expect((await read()).metadata).toEqual(theirs.metadata);
    await cluster.api.deleteNamespacedPod({ name: project.podName, namespace });
    await vi.waitFor(async () => expect(await read().catch(() => null)).toBeNull(), 10_000);
    await system.command(project.id, 'retry');
    await system.until(project.id, { status: 'archived' });
  });

  it('with a claim of somebody else under its name, the project fails with a name conflict, also when it is deleted, and the claim is untouched', async ({
    system,
    cluster,
  }) => {
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
      expect(claim.status?.phase).toBe('Bound'); // so no controller writes to it again
      return claim;
    }, 10_000);
    await expectLeftAlone(system, project);
    expect((await read()).metadata).toEqual(theirs.metadata);
    expect(await system.podsOf(project.id)).toEqual([]);
    await cluster.api.deleteNamespacedPersistentVolumeClaim({ name, namespace });
    await vi.waitFor(async () => expect(await read().catch(() => null)).toBeNull(), 10_000);
    await system.command(project.id, 'retry');
    await system.until(project.id, { status: 'archived' });
  });

  async function expectLeftAlone(system: WorkerSystem, project: ProjectRecord): Promise<void> {
    await system.startWorker({}, { resyncMs: 50 });
    const failed = await system.until(project.id, { status: 'error', reason: 'name-conflict' });
    expect(failed.message).toMatch(/does not belong to this project and is left alone.*administrator/s);
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
