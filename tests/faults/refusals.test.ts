import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { isCall, refusal, type Plural, type Verb } from '../support/kubernetes-refusal.ts';
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
  system = await createWorkerSystem(cluster);
  await system.startWorker({}, { resyncMs: 50, refusedRetryMs: 100 });
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

const postCount = () => system.kubernetes.requests.filter(isCall('POST', 'pods')).length;

/**
 * Writes a wrong phase to a row without a pod. The comparison of rows and cluster corrects it, which proves that the
 * comparison has read this row.
 */
async function untilResynced(id: string): Promise<void> {
  await system.db('projects').where({ id }).update({ phase: 'Running' });
  await system.until(id, { phase: null });
}

describe.each(refusals)('fault 14: Kubernetes answers $name', ({ answer, reason, message }) => {
  const refusePods = () => {
    system.kubernetes.fault = (request) => (isCall('POST', 'pods')(request) ? answer : undefined);
  };
  beforeEach(refusePods);
  afterEach(() => system.kubernetes.heal());

  async function createRefused() {
    const project = await system.create();
    return system.until(project.id, { status: 'error', reason, failedGeneration: 1 });
  }

  it('the row shows an error with the reason and the text of Kubernetes', async () => {
    expect(projectText(await createRefused())).toMatch(message);
  });

  it('however often rows and cluster are compared, no further request is sent', async () => {
    const postsBefore = postCount();
    const { id } = await createRefused();
    await expectNoFurtherPosts(id, postsBefore);
  });

  it('when a pod that ran is lost and cannot be replaced, no further request is sent', async () => {
    system.kubernetes.heal();
    const project = await system.create();
    await system.until(project.id, { status: 'ready', observedGeneration: 1 });
    refusePods();
    const postsBefore = postCount();
    await cluster.api.deleteNamespacedPod({ name: project.podName, namespace: project.namespace });
    await system.until(project.id, { status: 'error', reason, failedGeneration: 1, podUid: null });
    await expectNoFurtherPosts(project.id, postsBefore);
  });

  async function expectNoFurtherPosts(id: string, postsBefore: number): Promise<void> {
    await system.untilQueueIsEmpty();
    // A second attempt is allowed: the watch may have requested a reconcile during the first one.
    expect(postCount() - postsBefore).toBeLessThanOrEqual(2);
    const posts = postCount();
    for (let round = 0; round < 3; round++) await untilResynced(id);
    await system.untilQueueIsEmpty();
    expect(postCount()).toBe(posts);
    expect(await system.read(id)).toMatchObject({ status: 'error', reason });
  }

  it('the sweep skips the failed project and finds another one whose job was lost', async () => {
    const project = await createRefused();
    await system.untilQueueIsEmpty();
    const posts = postCount();
    system.kubernetes.heal();
    const lost = await system.create({ queued: false });
    await system.until(lost.id, { status: 'ready' });
    await system.untilQueueIsEmpty();
    expect(postCount()).toBe(posts + 1);
    expect(await system.read(project.id)).toMatchObject({ status: 'error', reason });
  });

  it('a retry succeeds after the cause is fixed', async () => {
    const project = await createRefused();
    system.kubernetes.heal();
    await system.command(project.id, 'retry');
    await system.until(project.id, { status: 'ready', podError: null, failedGeneration: null });
  });

  it('the owner can delete the project', async () => {
    const project = await createRefused();
    await system.command(project.id, 'delete');
    await system.until(project.id, { status: 'archived' });
    expect(await system.claimUid(project.id)).toBeNull();
  });
});

describe('fault 39: Kubernetes answers 403 to the worker for a while', () => {
  afterEach(() => system.kubernetes.heal());

  const permissionMissing = refusal(
    403,
    'Forbidden',
    'pods is forbidden: User "system:serviceaccount:opencode:worker" cannot use resource "pods" in the namespace "opencode"',
  );
  const ofProxy = { status: 403, body: {} };
  const refuse = (verb: Verb, plural: Plural, answer: typeof permissionMissing | typeof ofProxy) => {
    system.kubernetes.fault = (request) => (isCall(verb, plural)(request) ? answer : undefined);
  };

  it.each([
    ['POST', 'pods', permissionMissing, 'forbidden'],
    ['GET', 'persistentvolumeclaims', permissionMissing, 'forbidden'],
    ['POST', 'persistentvolumeclaims', permissionMissing, 'forbidden'],
    ['POST', 'secrets', permissionMissing, 'forbidden'],
    ['POST', 'pods', ofProxy, 'refused'],
  ] as const)(
    '%s of %s: the row says so, and the start continues by itself afterwards',
    async (verb, plural, answer, reason) => {
      refuse(verb, plural, answer);
      const { id } = await system.create();
      const refused = await system.until(id, { status: 'initializing', reason, failedGeneration: null });
      expect(refused).toMatchObject({ actor: 'administrator', nextStep: expect.stringMatching(/by itself\.$/) });
      system.kubernetes.heal();
      await system.until(id, { status: 'ready', podError: null });
    },
  );

  it('DELETE of pods: the row says so, and the stop continues by itself afterwards', async () => {
    const { id } = await system.create();
    await system.until(id, { status: 'ready', observedGeneration: 1 });
    refuse('DELETE', 'pods', permissionMissing);
    await system.command(id, 'stop');
    await system.until(id, { status: 'stopping', reason: 'forbidden', failedGeneration: null });
    system.kubernetes.heal();
    await system.until(id, { status: 'stopped', podError: null });
  });
});
