import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { pruneProjectEvents } from '../../../src/shared/node/db/project-events-repository.ts';
import type { ProjectRecord } from '../../../src/shared/node/db/project-record.ts';
import { readUsualStart } from '../../../src/shared/node/db/project-starts-repository.ts';
import { refusal } from '../../support/kubernetes-refusal.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../../support/worker-system.ts';

vi.setConfig({ maxConcurrency: 3 });

const namespace = 'opencode';
/** The pull of this image takes a minute: the pod exists, and nothing has failed yet. */
const waiting = { OPENCODE_IMAGE: 'registry.example.com/slow-pull:v1' };

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

async function eventAbout(
  system: WorkerSystem,
  project: ProjectRecord,
  message: string,
  { name = `event-${Math.random()}`, count = 1 } = {},
) {
  const { podUid } = await system.read(project.id);
  return {
    metadata: { name, namespace },
    involvedObject: { kind: 'Pod', apiVersion: 'v1', namespace, name: project.podName, uid: podUid ?? '' },
    type: 'Warning',
    reason: 'FailedMount',
    message,
    count,
    firstTimestamp: new Date(),
    lastTimestamp: new Date(),
    source: { component: 'kubelet' },
  };
}
const missing = (secret: string) => `MountVolume.SetUp failed for volume "extra" : secret "${secret}" not found`;
const post = async (system: WorkerSystem, project: ProjectRecord, message: string) =>
  cluster.api.createNamespacedEvent({ namespace, body: await eventAbout(system, project, message) });

describe('Kubernetes events about a pod', () => {
  test.concurrent('are shown in the message of the project within seconds, with the raw text as evidence', async ({
    system,
  }) => {
    await system.startWorker(waiting);
    const project = await system.create();
    await system.until(project.id, { reason: 'creating' });
    await post(system, project, missing('git-credentials'));
    const postedAt = performance.now();
    const shown = await system.until(project.id, { reason: 'mount-failed', status: 'error', actor: 'administrator' });
    expect(performance.now() - postedAt).toBeLessThan(5_000); // a fifth of a second where nothing else runs
    expect(shown.message).toContain('Secret git-credentials');
    expect(shown.evidence.map(({ text }) => text)).toContain(missing('git-credentials'));
  });

  test.concurrent('do not change the row when only their count rises', async ({ system }) => {
    await system.startWorker(waiting);
    const [first, second] = [await system.create(), await system.create()];
    for (const { id } of [first, second]) await system.until(id, { reason: 'creating' });
    const name = 'again-and-again';
    await cluster.api.createNamespacedEvent({
      namespace,
      body: await eventAbout(system, first, missing('a'), { name }),
    });
    const { statusVersion } = await system.until(first.id, { reason: 'mount-failed' });
    for (let count = 2; count <= 4; count += 1) {
      const body = await eventAbout(system, first, missing('a'), { name, count });
      await cluster.api.replaceNamespacedEvent({ namespace, name, body });
    }
    // An event about another project comes later. When it is shown, the events before it have been processed.
    await post(system, second, missing('b'));
    await system.until(second.id, { reason: 'mount-failed' });
    expect((await system.read(first.id)).statusVersion).toBe(statusVersion);
  });

  test.concurrent('are not shown when they are about the predecessor of the pod', async ({ system }) => {
    await system.startWorker(waiting);
    const project = await system.create();
    await system.until(project.id, { reason: 'creating' });
    const body = await eventAbout(system, project, missing('old'));
    body.involvedObject.uid = '00000000-0000-4000-8000-000000000000';
    await cluster.api.createNamespacedEvent({ namespace, body });
    await post(system, project, missing('new'));
    expect((await system.until(project.id, { reason: 'mount-failed' })).message).toContain('Secret new');
  });

  test.concurrent('are not needed: without the permission to read them the status follows the pods', async ({
    system,
  }) => {
    system.kubernetes.fault = ({ path }) =>
      path.endsWith('/events')
        ? refusal(403, 'Forbidden', 'events is forbidden: User "worker" cannot list resource "events"')
        : undefined;
    const worker = await system.startWorker();
    const project = await system.create();
    await system.until(project.id, { status: 'ready', reason: 'ready' });
    expect(await worker.readiness()).toMatchObject({ status: 'ok' });
    await cluster.api.deleteNamespacedPod({ namespace, name: project.podName });
    await system.until(project.id, { status: 'initializing' });
    await system.until(project.id, { status: 'ready' });
  });

  test.concurrent('are received again after their watch was closed', async ({ system }) => {
    await system.startWorker(waiting);
    const project = await system.create();
    await system.until(project.id, { reason: 'creating' });
    for (const watch of system.kubernetes.watches) if (watch.path.endsWith('/events')) watch.end();
    await post(system, project, missing('git-credentials'));
    await system.until(project.id, { reason: 'mount-failed' });
  });
});

describe('a status that time alone changes', () => {
  test.concurrent('changes at its deadline, although nothing else happens', async ({ system }) => {
    const aheadMs = 28_000; // the scheduler has thirty seconds
    system.kubernetes.aheadMs = aheadMs;
    await system.startWorker({ OPENCODE_IMAGE: 'registry.example.com/no-scheduler:v1' });
    const project = await system.create();
    const early = await system.until(project.id, { reason: 'waiting-for-node', actor: 'nobody' });
    const late = await system.until(project.id, { reason: 'waiting-for-node', actor: 'administrator' });
    expect(late.message).not.toBe(early.message);
    expect(Date.parse(late.updatedAt) - Date.parse(late.podCreatedAt ?? '')).toBeLessThan(10_000);
  });
});

describe('the history of a project', () => {
  test.concurrent('has each start once, with its steps, and tells how long a start usually takes', async ({
    system,
  }) => {
    await system.startWorker();
    const project = await system.create();
    const ready = await system.until(project.id, { status: 'ready', observedGeneration: 1 });
    expect(ready.progress?.steps.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'queued done',
      'volume done',
      'node done',
      'images done',
      'containers done',
      'ready done',
    ]);
    await system.command(project.id, 'restart');
    const again = await system.until(project.id, { status: 'ready', observedGeneration: 2 });
    expect(Date.parse(again.progress?.startedAt ?? '')).toBeGreaterThan(Date.parse(ready.progress?.startedAt ?? ''));
    const usual = await readUsualStart(system.db);
    expect(usual.medianMs).toBeGreaterThan(0);
  });

  test.concurrent('has an entry for each new failure, but not for each step or each repeated failure', async ({
    system,
  }) => {
    system.kubernetes.fault = ({ method, path }) =>
      method === 'POST' && path.endsWith('/pods')
        ? refusal(403, 'Forbidden', 'pods "p" is forbidden: exceeded quota: q, requested: cpu=1')
        : undefined;
    await system.startWorker(waiting);
    const project = await system.create();
    await system.until(project.id, {
      status: 'error',
      reason: 'quota-exceeded',
      retryable: true,
      actor: 'administrator',
    });
    system.kubernetes.fault = () => undefined;
    await system.command(project.id, 'retry');
    await system.until(project.id, { reason: 'creating' });
    await post(system, project, missing('a'));
    await system.until(project.id, { reason: 'mount-failed' });
    const rows = await system
      .db('project_events')
      .where({ project_id: project.id })
      .orderBy('id')
      .select('kind', 'reason');
    expect(rows.map(({ kind, reason }) => `${kind} ${reason}`)).toEqual([
      'job-failed quota-exceeded',
      'status-changed mount-failed',
    ]);
  });

  test.concurrent('is kept for the configured time and then deleted in batches', async ({ system }) => {
    const project = await system.create();
    const line = (days: number) => ({
      project_id: project.id,
      kind: 'updated',
      message: `${days} days old`,
      at: new Date(Date.now() - days * 86_400_000),
    });
    await system.db('project_events').insert([line(100), line(95), line(91), line(89), line(1)]);
    expect(await pruneProjectEvents(system.db, { olderThanDays: 90, limit: 2 })).toBe(2);
    await system.startWorker({ ACTIVITY_RETENTION_DAYS: '90' });
    await vi.waitFor(async () => {
      const left = await system
        .db('project_events')
        .where({ project_id: project.id, kind: 'updated' })
        .orderBy('id')
        .select('message');
      expect(left.map(({ message }) => message)).toEqual(['89 days old', '1 days old']);
    }, 10_000);
  });
});
