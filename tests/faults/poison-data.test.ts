/** Data that a user's container or the cluster may send and that cannot be stored or read: it concerns one project alone. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import type { Worker } from '../../src/worker/worker.ts';
import type { WatchEvent } from '../support/faulty-watch.ts';
import { isCall, refusal } from '../support/kubernetes-refusal.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../support/worker-system.ts';

let cluster: QuickCluster;
let system: WorkerSystem;
let worker: Worker;

beforeAll(async () => {
  cluster = await startQuickCluster();
  system = await createWorkerSystem(cluster);
  worker = await system.startWorker({}, { resyncMs: 50 });
});
afterEach(() => system.kubernetes.heal());
afterAll(async () => {
  await system.stop();
  await cluster.stop();
});

const poisons = [
  ['a NUL byte', 'before\0after'],
  ['control characters', 'before\u0001\u001B[31m\u009Fafter'],
  ['half of a surrogate pair', 'before \uD83D after'],
  ['one megabyte', 'long '.repeat(200_000)],
] as const;

/** What these tests change of a pod. */
interface ReportedPod {
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    resourceVersion: string;
    creationTimestamp: string;
    labels: Record<string, unknown>;
    annotations?: Record<string, string>;
  };
  status: Record<string, unknown>;
}

/** Changes each object of the project with this name that a watch reports. */
function alterObject(name: string, change: (object: ReportedPod) => void): void {
  system.kubernetes.alter = (event: WatchEvent) => {
    if (event.object.metadata?.name === name) change(event.object as unknown as ReportedPod); // the API reports pods in this form
    return [event];
  };
}

async function createReady(): Promise<ProjectRecord> {
  const { id } = await system.create();
  return system.until(id, { status: 'ready', observedGeneration: 1 });
}

/** Another project starts, and the comparison of rows and cluster corrects a wrong row. */
async function expectOthersGoOn(): Promise<void> {
  const { id } = await createReady();
  await system.db('projects').where({ id }).update({ phase: 'Failed' });
  await system.until(id, { phase: 'Running' });
}

describe.each(poisons)('fault 28: a text with %s', (_, poison) => {
  it('in the status of a pod and its containers is cleaned and shown', async () => {
    const project = await system.create({ queued: false });
    alterObject(project.podName, (pod) => {
      const waiting = { reason: 'CrashLoopBackOff', message: poison };
      const terminated = { exitCode: 1, reason: poison, message: poison };
      const main = {
        name: 'opencode-server',
        ready: false,
        restartCount: 3,
        state: { waiting },
        lastState: { terminated },
      };
      pod.status = { phase: 'Running', reason: poison, message: poison, containerStatuses: [main] };
      pod.metadata.annotations = { ...pod.metadata.annotations, poison };
    });
    await system.command(project.id, 'restart');
    const row = await system.until(project.id, { status: 'error', actor: 'owner' });
    expect(JSON.stringify(row.evidence)).toMatch(/before.*after|long long/);
  });

  it('in the events about a pod is cleaned and shown', async () => {
    const project = await system.create({ queued: false });
    alterObject(project.podName, (pod) => {
      pod.status = { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] };
      const { name, namespace, uid, resourceVersion } = pod.metadata;
      const event = {
        metadata: { name: `${name}.1`, namespace, resourceVersion },
        involvedObject: { kind: 'Pod', name, namespace, uid },
        type: 'Warning',
        reason: 'FailedCreatePodSandBox',
        message: poison,
        lastTimestamp: new Date().toISOString(),
        source: { component: poison },
      };
      for (const watch of system.kubernetes.watches) {
        if (watch.path.endsWith('/events')) watch.send({ type: 'ADDED', object: event });
      }
    });
    await system.command(project.id, 'restart');
    const row = await system.until(project.id, { reason: 'sandbox-failed' });
    expect(JSON.stringify(row.evidence)).toMatch(/before.*after|long long/);
  });

  it('in a refusal of the API is cleaned and shown', async () => {
    const answer = refusal(422, 'Invalid', `Pod "p" is invalid: ${poison}`);
    system.kubernetes.fault = (request) => (isCall('POST', 'pods')(request) ? answer : undefined);
    const { id } = await system.create();
    const row = await system.until(id, { status: 'error', reason: 'invalid-spec', failedGeneration: 1 });
    expect(JSON.stringify(row.evidence)).toMatch(/before.*after|long long/);
  });
});

describe('fault 29: one object or row that cannot be read', () => {
  const passedOver = async (what: string) =>
    new RegExp(`opencode_passed_over_total\\{what="${what}"\\} [1-9]`).test(await worker.metrics.registry.metrics());

  it.each([
    ['time of creation', (pod: ReportedPod) => void (pod.metadata.creationTimestamp = 'soon')],
    [
      'exit code',
      (pod: ReportedPod) => {
        const terminated = { exitCode: 'many' };
        pod.status.containerStatuses = [{ name: 'opencode-server', state: { terminated } }];
      },
    ],
    ['label', (pod: ReportedPod) => void (pod.metadata.labels.other = 7)],
  ])('a pod with an unreadable %s is shown for its project alone', async (_, poison) => {
    const healthy = await createReady();
    const project = await system.create({ queued: false });
    alterObject(project.podName, poison);
    await system.command(project.id, 'restart');
    const row = await system.until(project.id, { status: 'error', reason: 'cluster-error', actor: 'administrator' });
    expect(row.message).toContain(project.podName);
    expect(await passedOver('pods')).toBe(true);
    await createReady();
    expect(await system.read(healthy.id)).toEqual(healthy);
  });

  it('a pod that becomes readable again is shown as it is', async () => {
    const project = await system.create({ queued: false });
    alterObject(project.podName, (pod) => void (pod.metadata.creationTimestamp = 'soon'));
    await system.command(project.id, 'restart');
    await system.until(project.id, { status: 'error', reason: 'cluster-error' });
    system.kubernetes.heal();
    for (const watch of system.kubernetes.watches) watch.reset();
    await system.until(project.id, { status: 'ready' });
  });

  it('is not taken for a deleted pod when a list contains it', async () => {
    const project = await createReady();
    let isListed = false;
    system.kubernetes.fault = (request) => {
      if (!isCall('LIST', 'pods')(request)) return undefined;
      return cluster.api.listNamespacedPod({ namespace: 'opencode', labelSelector: 'project-id' }).then((list) => {
        const body = JSON.parse(JSON.stringify(list)) as { items: ReportedPod[] }; // a list of pods
        for (const { metadata } of body.items)
          if (metadata.name === project.podName) metadata.creationTimestamp = 'soon';
        isListed = true;
        return { status: 200, body };
      });
    };
    for (const watch of system.kubernetes.watches) watch.reset();
    const row = await system.until(project.id, { status: 'error', reason: 'cluster-error' });
    expect(isListed).toBe(true);
    expect(row.podUid).toBe(project.podUid);
    await createReady();
    expect((await system.podsOf(project.id)).map(({ metadata }) => metadata?.uid)).toEqual([project.podUid]);
  });

  it('a row with infinite times does not stop the comparison', async () => {
    const { id } = await createReady();
    const infinite = {
      pod_created_at: 'infinity',
      reason_since: 'infinity',
      updated_at: 'infinity',
      created_at: '-infinity',
    };
    await system.db('projects').where({ id }).update(infinite);
    await expectOthersGoOn();
    await system.command(id, 'delete');
    await system.until(id, { status: 'archived' });
  });

  it('a status that the database does not accept is shown for its project alone', async () => {
    const project = await createReady();
    await system.db.raw(
      `alter table projects add constraint poison check (id <> '${project.id}' or phase is distinct from 'Pending')`,
    );
    alterObject(project.podName, (pod) => void (pod.status = { phase: 'Pending' }));
    await cluster.api.patchNamespacedPod({
      name: project.podName,
      namespace: 'opencode',
      body: [{ op: 'add', path: '/metadata/annotations/touched', value: 'yes' }],
    });
    await system.until(project.id, { status: 'error', reason: 'internal-error' });
    expect(await passedOver('projects')).toBe(true);
    await createReady();
    await system.db.raw('alter table projects drop constraint poison');
    await system.until(project.id, { phase: 'Pending' });
  });
});
