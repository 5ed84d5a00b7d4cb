import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

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

const namespace = 'opencode';
/** Its image is on its way for a minute: there is a pod, and nothing is wrong with it yet. */
const waiting = { OPENCODE_IMAGE: 'registry.example.com/slow-pull:v1' };

let cluster: QuickCluster;
let system: WorkerSystem;

beforeEach(async () => {
  cluster = await startQuickCluster();
  system = await createWorkerSystem(cluster);
});
afterEach(async () => {
  await system.stop();
  await cluster.stop();
});

async function tell(project: ProjectRecord, message: string, { name = `event-${Math.random()}`, count = 1 } = {}) {
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
const post = async (project: ProjectRecord, message: string) =>
  cluster.api.createNamespacedEvent({ namespace, body: await tell(project, message) });

describe('the events of a pod', () => {
  it('are told in the words of its project within a second or so, with the raw text', async () => {
    await system.startWorker(waiting);
    const project = await system.create();
    await system.until(project.id, { reason: 'creating' });
    await post(project, missing('git-credentials'));
    const recordedAt = performance.now();
    const told = await system.until(project.id, { reason: 'mount-failed', status: 'error', actor: 'administrator' });
    expect(performance.now() - recordedAt).toBeLessThan(5_000); // a fifth of a second where nothing else runs
    expect(told.message).toContain('Secret git-credentials');
    expect(told.evidence.map(({ text }) => text)).toContain(missing('git-credentials'));
  });

  it('write nothing when they are only counted up', async () => {
    await system.startWorker(waiting);
    const [first, second] = [await system.create(), await system.create()];
    for (const { id } of [first, second]) await system.until(id, { reason: 'creating' });
    const name = 'again-and-again';
    await cluster.api.createNamespacedEvent({ namespace, body: await tell(first, missing('a'), { name }) });
    const { statusVersion } = await system.until(first.id, { reason: 'mount-failed' });
    for (let count = 2; count <= 4; count += 1) {
      const body = await tell(first, missing('a'), { name, count });
      await cluster.api.replaceNamespacedEvent({ namespace, name, body });
    }
    // Later news, of another project: by the time that it is told, the earlier was looked at.
    await post(second, missing('b'));
    await system.until(second.id, { reason: 'mount-failed' });
    expect((await system.read(first.id)).statusVersion).toBe(statusVersion);
  });

  it('of its predecessor tell nothing of a pod', async () => {
    await system.startWorker(waiting);
    const project = await system.create();
    await system.until(project.id, { reason: 'creating' });
    const body = await tell(project, missing('old'));
    body.involvedObject.uid = '00000000-0000-4000-8000-000000000000';
    await cluster.api.createNamespacedEvent({ namespace, body });
    await post(project, missing('new'));
    expect((await system.until(project.id, { reason: 'mount-failed' })).message).toContain('Secret new');
  });

  it('that may not be read leave the status to the pods alone', async () => {
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

  it('go on being heard after their watch was closed', async () => {
    await system.startWorker(waiting);
    const project = await system.create();
    await system.until(project.id, { reason: 'creating' });
    for (const watch of system.kubernetes.watches) if (watch.path.endsWith('/events')) watch.end();
    await post(project, missing('git-credentials'));
    await system.until(project.id, { reason: 'mount-failed' });
  });
});

describe('a deadline', () => {
  it('is told when it comes, though nothing else happens', async () => {
    const aheadMs = 28_000; // of the thirty seconds that a scheduler has
    await system.startWorker(
      { OPENCODE_IMAGE: 'registry.example.com/no-scheduler:v1' },
      { now: () => new Date(Date.now() + aheadMs) },
    );
    const project = await system.create();
    const early = await system.until(project.id, { reason: 'waiting-for-node', actor: 'nobody' });
    const late = await system.until(project.id, { reason: 'waiting-for-node', actor: 'administrator' });
    expect(late.message).not.toBe(early.message);
    expect(Date.parse(late.updatedAt) - Date.parse(late.podCreatedAt ?? '')).toBeLessThan(10_000);
  });
});

describe('the history of a project', () => {
  it('holds each start once, with its steps, and says what is usual', async () => {
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

  it('tells another trouble, but not each step, and an attempt that fails alike only once', async () => {
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
    await post(project, missing('a'));
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

  it('is kept for the configured time, and then goes in small batches', async () => {
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
