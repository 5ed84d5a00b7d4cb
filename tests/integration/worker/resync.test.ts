import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { describe, expect, it, vi } from 'vitest';

import { systemClock } from '../../../src/shared/clock.ts';
import { readInstallationId } from '../../../src/shared/node/db/installation-repository.ts';
import type { Correction } from '../../../src/worker/metrics.ts';
import { installationAnnotation } from '../../../src/worker/pods/kube/manifests.ts';
import type { Worker } from '../../../src/worker/worker.ts';
import { readMetric } from '../../support/read-metric.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../../support/worker-system.ts';

const namespace = 'opencode';
const kinds: Correction[] = ['lost-job', 'drift', 'status', 'left-over', 'unknown-pod'];

/** Each test has its own cluster: the objects of other tests would be orphans in it. */
const test = it.extend<{ cluster: QuickCluster; system: WorkerSystem }>({
  // oxlint-disable-next-line no-empty-pattern -- the library requires an object pattern
  async cluster({}, use) {
    const cluster = await startQuickCluster();
    await use(cluster);
    await cluster.stop();
  },
  async system({ cluster }, use) {
    const system = await createWorkerSystem(cluster);
    await use(system);
    await system.stop();
  },
});

const metric = async (worker: Worker, name: string, labels: Record<string, string>) =>
  readMetric(await worker.metrics.registry.metrics(), name, labels);

async function corrections(worker: Worker): Promise<Partial<Record<Correction, number>>> {
  const counts = await Promise.all(
    kinds.map(async (kind) => [kind, await metric(worker, 'opencode_resync_corrections_total', { kind })] as const),
  );
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

const labelsOf = (id: string) => ({ app: 'opencode-project', 'project-id': id });
const podBody = (name: string, id: string, annotations: Record<string, string> = {}) => ({
  metadata: { name, labels: labelsOf(id), annotations },
  spec: { containers: [{ name: 'main', image: 'registry.example.com/anything:v1' }] },
});

// Alone, because the sweep requests another reconcile of a command that takes longer than two seconds.
test('a project takes eight requests to the cluster: four to start it and four to delete it', async ({
  onTestFinished,
}) => {
  const slower = await startQuickCluster({ stopMs: 500 }); // like a real pod, it stops after the command was acknowledged
  onTestFinished(slower.stop);
  const own = await createWorkerSystem(slower);
  onTestFinished(own.stop);
  await own.startWorker();
  const project = await own.create();
  await own.until(project.id, { status: 'ready', observedGeneration: 1 });
  await own.command(project.id, 'delete');
  await own.until(project.id, { status: 'archived' });
  const requests = own.kubernetes.requests.filter(({ method, path }) => method !== 'GET' || path.includes(project.id));
  const counts = new Map<string, number>();
  for (const { method } of requests) counts.set(method, (counts.get(method) ?? 0) + 1);
  expect(Object.fromEntries(counts)).toEqual({ GET: 3, POST: 3, DELETE: 2 });
});

test('a healthy project needs no correction, however often rows and cluster are compared', async ({ system }) => {
  const worker = await system.startWorker({}, { resyncMs: 50 });
  const projects = await Promise.all(Array.from({ length: 3 }, () => system.create()));
  await Promise.all(projects.map(({ id }) => system.until(id, { status: 'ready' })));
  await Promise.all(projects.map(({ id }) => system.command(id, 'stop')));
  await Promise.all(projects.map(({ id }) => system.until(id, { status: 'stopped' })));
  await Promise.all(projects.map(({ id }) => system.command(id, 'start')));
  await Promise.all(projects.map(({ id }) => system.until(id, { status: 'ready' })));
  const before = await Promise.all(projects.map(({ id }) => system.read(id)));
  await Promise.all(projects.map(({ id }) => system.command(id, 'restart')));
  for (const { id, podUid, generation } of before) {
    const restarted = await system.until(id, { status: 'ready', observedGeneration: generation + 1 });
    expect(restarted.podUid).not.toBe(podUid);
  }
  await Promise.all(projects.map(({ id }) => system.command(id, 'delete')));
  await Promise.all(projects.map(({ id }) => system.until(id, { status: 'archived' })));
  expect(await corrections(worker)).toEqual({});
});

/** Waits until the pod does not change any more: a late event would correct the row without a resync. */
async function untilQuiet(system: WorkerSystem, { id }: { id: string }): Promise<void> {
  const versions = async () => (await system.podsOf(id)).map(({ metadata }) => metadata?.resourceVersion);
  await vi.waitFor(
    async () => {
      const before = await versions();
      await delay(500); // longer than the kubelet of these tests takes for a step
      expect(await versions()).toEqual(before);
    },
    { timeout: 10_000 },
  );
}

/**
 * Removes every job of the paused queue until the assertion holds. An event that is still being handled may request a job as
 * well, and such a job must not repair the project before the resync finds it.
 */
async function loseJobsUntil(system: WorkerSystem, assertion: () => Promise<void>): Promise<void> {
  await vi.waitFor(
    async () => {
      await system.jobs.drain();
      await assertion();
    },
    { timeout: 10_000 },
  );
}

describe('the resync', () => {
  test('corrects a row that does not say what the cluster shows', async ({ system }) => {
    const worker = await system.startWorker({}, { resyncMs: 100 });
    const project = await system.create();
    await system.until(project.id, { status: 'ready', observedGeneration: 1 });
    await untilQuiet(system, project);
    await system.db('projects').where({ id: project.id }).update({ status: 'error', phase: 'Failed' });
    await system.until(project.id, { status: 'ready', phase: 'Running' });
    await vi.waitFor(async () => expect(await corrections(worker)).toEqual({ status: 1 }), 10_000);
  });

  test('replaces a lost pod whose job was lost as well', async ({ cluster, system }) => {
    // Its clock stands still, so a job never waits too long: otherwise the worker would make the attempt without the queue.
    const worker = await system.startWorker({}, { resyncMs: 200, clock: { ...systemClock, monotonic: () => 0 } });
    const project = await system.create();
    const before = await system.until(project.id, { status: 'ready' });
    await untilQuiet(system, project);
    await system.jobs.pause();
    await cluster.api.deleteNamespacedPod({ name: project.podName, namespace });
    await system.until(project.id, { podUid: null });
    await loseJobsUntil(system, async () => expect(await corrections(worker)).toEqual({ drift: 1 }));
    await system.jobs.resume();
    const after = await system.until(project.id, { status: 'ready' });
    expect(after.podUid).not.toBe(before.podUid);
  });

  test('deletes an object that a late request created for a deleted project', async ({ cluster, system }) => {
    const worker = await system.startWorker({}, { resyncMs: 100 });
    const project = await system.create();
    await system.until(project.id, { status: 'ready' });
    await system.command(project.id, 'delete');
    await system.until(project.id, { status: 'archived' });
    await system.jobs.pause();
    await cluster.api.createNamespacedPersistentVolumeClaim({
      namespace,
      body: {
        metadata: { name: project.workspacePvcName, labels: labelsOf(project.id) },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      },
    });
    await loseJobsUntil(system, async () => expect(await corrections(worker)).toEqual({ 'left-over': 1 }));
    await system.jobs.resume();
    await vi.waitFor(async () => expect(await system.claimUid(project.id)).toBeNull(), { timeout: 10_000 });
    expect(await system.read(project.id)).toMatchObject({ status: 'archived' });
  });

  test('leaves a command whose job was lost to the sweep, which counts it', async ({ system }) => {
    const worker = await system.startWorker();
    const project = await system.create({ queued: false });
    await system.until(project.id, { status: 'ready' }, 5_000);
    expect(await corrections(worker)).toEqual({ 'lost-job': 1 });
  });
});

describe('orphans', () => {
  test('are counted, and only pods of this installation are deleted after the grace period', async ({
    cluster,
    system,
  }) => {
    const [known, stranger] = [await system.create(), randomUUID()];
    const mark = { [installationAnnotation]: await readInstallationId(system.db) };
    for (const body of [
      podBody(`project-${stranger}-ours`, stranger, mark),
      podBody(`project-${stranger}-theirs`, stranger, { [installationAnnotation]: randomUUID() }),
      podBody(`project-${stranger}-nobodys`, stranger),
      podBody(`copy-of-${known.podName}`, known.id, mark),
    ]) {
      await cluster.api.createNamespacedPod({ namespace, body });
    }
    await cluster.api.createNamespacedPersistentVolumeClaim({
      namespace,
      body: {
        metadata: { name: `workspace-${stranger}`, labels: labelsOf(stranger), annotations: mark },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      },
    });
    const worker = await system.startWorker({}, { resyncMs: 50, orphanGraceMs: 400 });
    const unknown = (resource: string) => metric(worker, 'opencode_unknown_objects', { resource });
    await vi.waitFor(async () => expect(await unknown('pods')).toBe(4), 10_000);
    expect(await unknown('persistentvolumeclaims')).toBe(1);

    await vi.waitFor(async () => expect(await corrections(worker)).toEqual({ 'unknown-pod': 1 }), { timeout: 5_000 });
    await vi.waitFor(async () => expect(await unknown('pods')).toBe(3), 10_000);
    const left = await cluster.api.listNamespacedPod({ namespace, labelSelector: 'app=opencode-project' });
    expect(new Set(left.items.map(({ metadata }) => metadata?.name))).toEqual(
      new Set([known.podName, `copy-of-${known.podName}`, `project-${stranger}-theirs`, `project-${stranger}-nobodys`]),
    );
    expect(await system.claimUid(stranger)).not.toBeNull();
    await system.until(known.id, { status: 'ready' });
  });

  test('are left alone for an hour', async ({ cluster, system }) => {
    const stranger = randomUUID();
    const mark = { [installationAnnotation]: await readInstallationId(system.db) };
    await cluster.api.createNamespacedPod({ namespace, body: podBody(`project-${stranger}-ours`, stranger, mark) });
    const worker = await system.startWorker({}, { resyncMs: 20 });
    const project = await system.create();
    await system.until(project.id, { status: 'ready' });
    expect(await metric(worker, 'opencode_unknown_objects', { resource: 'pods' })).toBe(1);
    expect(await system.podsOf(stranger)).toHaveLength(1);
    expect(await corrections(worker)).toEqual({});
  });
});
