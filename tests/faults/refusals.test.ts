/** The tests run side by side in one system. Each has a project of its own, and only its requests are refused. */

import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import type { ProjectJob } from '../../src/shared/contract/jobs.ts';
import type { Fault, PassingRequest } from '../support/faulty-kubernetes.ts';
import { isAbout, isCall, refusal, type Plural, type Verb } from '../support/kubernetes-refusal.ts';
import { projectText } from '../support/project-text.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../support/worker-system.ts';

vi.setConfig({ testTimeout: 60_000 });

let cluster: QuickCluster;
let system: WorkerSystem;
/** What is refused, by the id of the project. */
const refused = new Map<string, (request: PassingRequest) => Fault | undefined>();

beforeAll(async () => {
  cluster = await startQuickCluster();
  system = await createWorkerSystem(cluster);
  system.kubernetes.fault = (request) => {
    for (const [id, fault] of refused) if (isAbout(request, id)) return fault(request);
    return undefined;
  };
  await system.startWorker({}, { resyncMs: 200, refusedRetryMs: 100 });
});
afterAll(async () => {
  await system.stop();
  await cluster.stop();
});

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
    message: /quota of memory is used up.*limits\.memory=512Mi/s,
  },
  {
    name: '422 for a pod spec',
    answer: invalidSpec,
    reason: 'invalid-spec',
    message: /invalid \(its image\).*spec\.containers\[0\]\.image/s,
  },
] as const;

function refuse(id: string, verb: Verb, plural: Plural, answer: Fault): void {
  refused.set(id, (request) => (isCall(verb, plural)(request) ? answer : undefined));
}

const postCount = (id: string) =>
  system.kubernetes.requests.filter((request) => isCall('POST', 'pods')(request) && isAbout(request, id)).length;

/** Waits until the queue has no job of this project. */
const untilIdle = (id: string) =>
  vi.waitFor(async () => {
    const jobs = await system.jobs.getJobs(['wait', 'active', 'delayed']);
    const ids = jobs.map(({ data }) => (data as ProjectJob).projectId); // only these tests add jobs
    expect(ids).not.toContain(id);
  }, 10_000);

/**
 * Writes a wrong phase to a row without a pod. The comparison of rows and cluster corrects it, which proves that the
 * comparison has read this row.
 */
async function untilResynced(id: string): Promise<void> {
  await system.db('projects').where({ id }).update({ phase: 'Running' });
  await system.until(id, { phase: null }, 20_000);
}

describe.concurrent.each(refusals)('fault 14: Kubernetes answers $name', ({ answer, reason, message }) => {
  async function createRefused() {
    const id = randomUUID();
    refuse(id, 'POST', 'pods', answer);
    await system.create({ id });
    return system.until(id, { status: 'error', reason, failedGeneration: 1 });
  }

  it('the row shows an error with the reason and the text of Kubernetes', async () => {
    expect(projectText(await createRefused())).toMatch(message);
  });

  it('however often rows and cluster are compared, no further request is sent', async () => {
    const { id } = await createRefused();
    await expectNoFurtherPosts(id, 0);
  });

  it('when a pod that ran is lost and cannot be replaced, no further request is sent', async () => {
    const { id, podName, namespace } = await system.create();
    await system.until(id, { status: 'ready', observedGeneration: 1 });
    refuse(id, 'POST', 'pods', answer);
    const postsBefore = postCount(id);
    await cluster.api.deleteNamespacedPod({ name: podName, namespace });
    await system.until(id, { status: 'error', reason, failedGeneration: 1, podUid: null });
    await expectNoFurtherPosts(id, postsBefore);
  });

  async function expectNoFurtherPosts(id: string, postsBefore: number): Promise<void> {
    await untilIdle(id);
    // A second attempt is allowed: the watch may have requested a reconcile during the first one.
    expect(postCount(id) - postsBefore).toBeLessThanOrEqual(2);
    const posts = postCount(id);
    for (let round = 0; round < 3; round++) await untilResynced(id);
    await untilIdle(id);
    expect(postCount(id)).toBe(posts);
    expect(await system.read(id)).toMatchObject({ status: 'error', reason });
  }

  it('the sweep skips the failed project and finds another one whose job was lost', async () => {
    const { id } = await createRefused();
    await untilIdle(id);
    const posts = postCount(id);
    const lost = await system.create({ queued: false });
    await system.until(lost.id, { status: 'ready' });
    await untilIdle(id);
    expect(postCount(id)).toBe(posts);
    expect(postCount(lost.id)).toBe(1);
    expect(await system.read(id)).toMatchObject({ status: 'error', reason });
  });

  it('a retry succeeds after the cause is fixed', async () => {
    const { id } = await createRefused();
    refused.delete(id);
    await system.command(id, 'retry');
    await system.until(id, { status: 'ready', podError: null, failedGeneration: null });
  });

  it('the owner can delete the project', async () => {
    const { id } = await createRefused();
    await system.command(id, 'delete');
    await system.until(id, { status: 'archived' });
    expect(await system.claimUid(id)).toBeNull();
  });
});

describe.concurrent('fault 39: Kubernetes answers 403 to the worker for a while', () => {
  const permissionMissing = refusal(
    403,
    'Forbidden',
    'pods is forbidden: User "system:serviceaccount:opencode:worker" cannot use resource "pods" in the namespace "opencode"',
  );
  const ofProxy = { status: 403, body: {} };

  it.each([
    ['POST', 'pods', permissionMissing, 'forbidden'],
    ['GET', 'persistentvolumeclaims', permissionMissing, 'forbidden'],
    ['POST', 'persistentvolumeclaims', permissionMissing, 'forbidden'],
    ['POST', 'secrets', permissionMissing, 'forbidden'],
    ['POST', 'pods', ofProxy, 'refused'],
  ] as const)(
    '%s of %s: the row says so, and the start continues by itself afterwards',
    async (verb, plural, answer, reason) => {
      const id = randomUUID();
      refuse(id, verb, plural, answer);
      await system.create({ id });
      const row = await system.until(id, { status: 'initializing', reason, failedGeneration: null });
      expect(row).toMatchObject({ actor: 'administrator', nextStep: expect.stringMatching(/by itself\.$/) });
      refused.delete(id);
      await system.until(id, { status: 'ready', podError: null });
    },
  );

  it('DELETE of pods: the row says so, and the stop continues by itself afterwards', async () => {
    const { id } = await system.create();
    await system.until(id, { status: 'ready', observedGeneration: 1 });
    refuse(id, 'DELETE', 'pods', permissionMissing);
    await system.command(id, 'stop');
    await system.until(id, { status: 'stopping', reason: 'forbidden', failedGeneration: null });
    refused.delete(id);
    await system.until(id, { status: 'stopped', podError: null });
  });
});
