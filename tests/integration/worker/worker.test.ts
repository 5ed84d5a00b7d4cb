import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import type { ProjectRecord } from '../../../src/shared/node/db/project-record.ts';
import { readWorkerConfig } from '../../../src/worker/config.ts';
import { podManifest } from '../../../src/worker/pods/kube/manifests.ts';
import { gate, isCall } from '../../support/kubernetes-refusal.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../../support/worker-system.ts';

const namespace = 'opencode';
const environment = { DATABASE_URL: 'postgresql://localhost/test', REDIS_URL: 'redis://localhost' };
const settings = { ...readWorkerConfig(environment).pod, installationId: 'this-one', accessKeyId: '00000000' };

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

const creations = (plural: string) =>
  system.kubernetes.requests.filter(({ method, path }) => method === 'POST' && path.endsWith(`/${plural}`));

async function expectGone(project: ProjectRecord): Promise<void> {
  expect(await system.podsOf(project.id)).toEqual([]);
  expect(await system.claimUid(project.id)).toBeNull();
}

describe('a worker and one project', () => {
  it('creates volume and pod with the committed names, and is ready when all containers are ready', async () => {
    await system.startWorker();
    const project = await system.create();
    const ready = await system.until(project.id, { status: 'ready', observedGeneration: 1 });
    expect(ready).toMatchObject({ phase: 'Running', reason: 'ready', podError: null });
    expect(ready.containers.map((each) => each.ready)).toEqual([true, true, true]);
    const pods = await system.podsOf(project.id);
    expect(pods.map((pod) => pod.metadata?.name)).toEqual([project.podName]);
    expect(pods[0]?.metadata?.uid).toBe(ready.podUid);
    expect(pods[0]?.spec?.volumes?.[0]?.persistentVolumeClaim?.claimName).toBe(project.workspacePvcName);
    const claim = await cluster.api.readNamespacedPersistentVolumeClaim({ name: project.workspacePvcName, namespace });
    expect(claim.spec).toMatchObject({ accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } });
  });

  it('stops, starts and restarts on the same volume, with one pod of one name at a time', async () => {
    await system.startWorker();
    const project = await system.create();
    const first = await system.until(project.id, { status: 'ready' });
    const claimUid = await system.claimUid(project.id);

    await system.command(project.id, 'stop');
    await system.until(project.id, { status: 'stopped', phase: null, podUid: null });
    expect(await system.podsOf(project.id)).toEqual([]);

    await system.command(project.id, 'start');
    const second = await system.until(project.id, { status: 'ready', observedGeneration: 3 });
    expect(second.podUid).not.toBe(first.podUid);

    await system.command(project.id, 'restart');
    const third = await system.until(project.id, { status: 'ready', observedGeneration: 4 });
    expect(third.podUid).not.toBe(second.podUid);
    expect((await system.podsOf(project.id)).map((pod) => pod.metadata?.name)).toEqual([project.podName]);
    expect(await system.claimUid(project.id)).toBe(claimUid);
    expect(creations('persistentvolumeclaims')).toHaveLength(1);
    expect(creations('pods')).toHaveLength(3);
  });

  it('deletes pod and volume, then archives the row', async () => {
    await system.startWorker();
    const project = await system.create();
    await system.until(project.id, { status: 'ready' });
    await system.command(project.id, 'delete');
    const archived = await system.until(project.id, { status: 'archived', reason: 'archived' });
    expect(archived.deletedAt).not.toBeNull();
    await expectGone(project);
  });

  it('creates nothing for a project that was deleted before its first job', async () => {
    const project = await system.create();
    await system.command(project.id, 'delete');
    await system.startWorker();
    await system.until(project.id, { status: 'archived' });
    await expectGone(project);
    expect(creations('pods')).toEqual([]);
    expect(creations('persistentvolumeclaims')).toEqual([]);
  });

  it('deletes a project in the middle of its start', async () => {
    await system.startWorker({ OPENCODE_IMAGE: 'registry.example.com/slow-pull:v1' });
    const project = await system.create();
    await system.until(project.id, { status: 'initializing', phase: 'Pending' });
    await system.command(project.id, 'delete');
    await system.until(project.id, { status: 'archived' });
    await expectGone(project);
  });

  it('shows the pod as ready immediately when a start revoked a stop before any attempt', async () => {
    await system.startWorker();
    const project = await system.create();
    const before = await system.until(project.id, { status: 'ready', observedGeneration: 1 });
    await system.jobs.pause();
    await system.command(project.id, 'stop');
    await system.command(project.id, 'start');
    await system.jobs.resume();
    await system.until(project.id, { status: 'ready', observedGeneration: 3, podUid: before.podUid }, 5_000);
  });

  it('reaches the desired state of the last of many quick commands', async () => {
    await system.startWorker();
    const project = await system.create();
    for (const command of ['stop', 'start', 'restart', 'restart', 'stop', 'start', 'stop'] as const) {
      await system.command(project.id, command);
    }
    const stopped = await system.until(project.id, { status: 'stopped', desiredState: 'stopped' });
    expect(stopped.observedGeneration).toBe(stopped.generation);
    expect(await system.podsOf(project.id)).toEqual([]);
    await system.command(project.id, 'start');
    await system.until(project.id, { status: 'ready', desiredState: 'running' });
  });

  it('does not delete the pod of a later command because of an earlier command', async () => {
    await system.startWorker();
    const project = await system.create();
    await system.until(project.id, { status: 'ready', observedGeneration: 1 });
    const { closed, open } = gate();
    let isHeld = false;
    system.kubernetes.fault = (request) => {
      if (isHeld || !isCall('GET', 'pods')(request)) return undefined;
      isHeld = true;
      return closed;
    };
    await system.command(project.id, 'stop');
    await vi.waitFor(() => expect(isHeld).toBe(true), 10_000);
    // Meanwhile the owner starts the project again, and another worker replaces the pod.
    const started = await system.command(project.id, 'start', { queued: false });
    await cluster.api.deleteNamespacedPod({ name: project.podName, namespace });
    await vi.waitFor(async () => expect(await system.podsOf(project.id)).toEqual([]), 10_000);
    const replacement = await cluster.api.createNamespacedPod({ namespace, body: podManifest(started, settings) });
    open();
    await system.until(project.id, { status: 'ready', observedGeneration: 3, podUid: replacement.metadata?.uid ?? '' });
    expect(system.kubernetes.requests.filter(isCall('DELETE', 'pods'))).toEqual([]);
  });
});

describe('without a job or an event, the worker', () => {
  it('finds a new project, a deleted project and a lost pod from a time without workers', async () => {
    const worker = await system.startWorker();
    const [lost, undesired] = await Promise.all([system.create(), system.create()]);
    await Promise.all([lost, undesired].map(({ id }) => system.until(id, { status: 'ready' })));
    await worker.stop();
    await cluster.api.deleteNamespacedPod({ name: lost.podName, namespace });
    await vi.waitFor(async () => expect(await system.podsOf(lost.id)).toEqual([]), 10_000);
    const fresh = await system.create();
    await system.command(undesired.id, 'delete');
    await system.startWorker();
    await system.until(fresh.id, { status: 'ready' });
    await system.until(undesired.id, { status: 'archived' });
    await vi.waitFor(async () => expect(await system.podsOf(lost.id)).toHaveLength(1), 10_000);
    await system.until(lost.id, { status: 'ready' });
  });

  it('finds a command whose job was lost within five seconds', async () => {
    await system.startWorker();
    const project = await system.create();
    await system.until(project.id, { status: 'ready' });
    await system.command(project.id, 'stop', { queued: false });
    await system.flushRedis();
    await system.until(project.id, { status: 'stopped' }, 5_000);
  });

  it('finds a lost pod although its job was lost too', async () => {
    await system.startWorker({}, { resyncMs: 200 });
    const project = await system.create();
    const before = await system.until(project.id, { status: 'ready' });
    await system.jobs.pause();
    await cluster.api.deleteNamespacedPod({ name: project.podName, namespace });
    await vi.waitFor(async () => expect(await system.jobs.getJobCountByTypes('wait')).toBe(1), 10_000);
    await system.flushRedis(); // this ends the pause as well
    const after = await system.until(project.id, { status: 'ready' });
    expect(after.podUid).not.toBe(before.podUid);
  });

  it('observes the pod that the row names, even when a copy has the same labels', async () => {
    await system.startWorker();
    const project = await system.create();
    const ready = await system.until(project.id, { status: 'ready' });
    const original = (await system.podsOf(project.id))[0];
    await cluster.api.createNamespacedPod({
      namespace,
      body: {
        metadata: { name: `copy-of-${project.podName}`, labels: original?.metadata?.labels ?? {} },
        spec: { containers: [{ name: 'copy', image: 'registry.example.com/crash:v1' }] },
      },
    });
    await cluster.api.deleteNamespacedPod({ name: project.podName, namespace });
    await system.until(project.id, { status: 'initializing' });
    const again = await system.until(project.id, { status: 'ready' });
    expect(again.podUid).not.toBe(ready.podUid);
    expect(again.containers).toHaveLength(3);
  });
});

describe('several workers', () => {
  it('share the projects, and one of them is the watch leader', async () => {
    const [first] = await Promise.all([system.startWorker(), system.startWorker()]);
    const projects = await Promise.all(Array.from({ length: 6 }, () => system.create()));
    await Promise.all(projects.map(({ id }) => system.until(id, { status: 'ready' })));
    for (const { id, podName } of projects) {
      expect((await system.podsOf(id)).map((pod) => pod.metadata?.name)).toEqual([podName]);
    }
    expect(creations('pods')).toHaveLength(6);
    const watches = system.kubernetes.requests.filter(({ isWatch }) => isWatch);
    expect(watches).toHaveLength(3);
    expect(new Set(watches.map(({ path }) => path.split('/').at(-1)))).toEqual(
      new Set(['events', 'persistentvolumeclaims', 'pods']),
    );
    const [before] = await system.db<{ holder: string; epoch: string }>('leases');

    await first.stop(); // whether it is the leader or not, the watch continues
    await cluster.api.deleteNamespacedPod({ name: projects[0]?.podName ?? '', namespace });
    const project = projects[0] as ProjectRecord; // six were created
    await system.until(project.id, { status: 'initializing' });
    await system.until(project.id, { status: 'ready' });
    const [after] = await system.db<{ holder: string; epoch: string }>('leases');
    expect(Number(after?.epoch)).toBeGreaterThanOrEqual(Number(before?.epoch));
  });

  it('replace a frozen watch leader, and the thawed leader writes nothing', async () => {
    await system.startWorker();
    const project = await system.create();
    await system.until(project.id, { status: 'ready' });
    const [leader] = await system.db<{ holder: string }>('leases');
    const before = await system.read(project.id);
    // As if the leader had been frozen longer than its lease, and another worker had taken the lease.
    await system.db('leases').update({ holder: 'somebody-else', epoch: system.db.raw('epoch + 1') });
    await cluster.api.deleteNamespacedPod({ name: project.podName, namespace });
    await vi.waitFor(async () => expect(await system.podsOf(project.id)).toEqual([]), 10_000);
    expect(await system.read(project.id)).toEqual(before);
    await vi.waitFor(
      async () => {
        const [lease] = await system.db<{ holder: string }>('leases');
        expect(lease?.holder).toBe(leader?.holder);
      },
      { timeout: 5_000 },
    );
    await vi.waitFor(async () => expect((await system.read(project.id)).podUid).not.toBe(before.podUid), 10_000);
    await system.until(project.id, { status: 'ready' });
    expect(await system.podsOf(project.id)).toHaveLength(1);
  });
});
