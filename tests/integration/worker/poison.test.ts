import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { systemClock } from '../../../src/shared/clock.ts';
import type { ProjectRecord } from '../../../src/shared/node/db/project-record.ts';
import { createLog } from '../../../src/shared/node/log.ts';
import { createAttempts } from '../../../src/worker/pods/jobs/attempts.ts';
import { KubernetesError } from '../../../src/worker/pods/kube/kubernetes-error.ts';
import type { Reconciler } from '../../../src/worker/pods/reconcile/reconcile.ts';
import { createStatusWriter } from '../../../src/worker/pods/status/status-writer.ts';
import { refusal } from '../../support/kubernetes-refusal.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../../support/worker-system.ts';

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

describe('projects that always fail do not delay other projects', () => {
  const many = 8;
  /** The cluster answers requests about these projects, and only these, with the fault. */
  async function createPoison(fault: 'hang' | ReturnType<typeof refusal>): Promise<void> {
    const projects: ProjectRecord[] = [];
    while (projects.length < many) projects.push(await system.create());
    system.kubernetes.fault = ({ path }) => (projects.some(({ id }) => path.includes(id)) ? fault : undefined);
  }

  it.each([
    ['their requests are answered with 500', refusal(500, 'InternalError', 'etcdserver: leader changed')],
    ['their requests are not answered', 'hang'],
  ] as const)('when %s and they are more than a worker reconciles at once', async (_what, fault) => {
    await createPoison(fault);
    await system.startWorker({ WORKER_CONCURRENCY: '2' }, { requestTimeoutMs: 300 });
    const healthy = await Promise.all([system.create(), system.create(), system.create()]);
    for (const { id } of healthy) await system.until(id, { status: 'ready' }, 15_000);
    await system.command(healthy[0].id, 'delete');
    await system.until(healthy[0].id, { status: 'archived' });
  });
});

describe('an attempt that fails because of a bug', () => {
  const log = createLog({ name: 'test', level: 'silent' });
  const { signal } = new AbortController();

  function attemptsWith(reconcile: Reconciler['reconcile'], random = () => 0) {
    const writer = createStatusWriter({
      db: system.db,
      publisher: { publish: async () => true },
      metrics: { started: () => undefined },
      clock: systemClock,
    });
    return createAttempts({
      db: system.db,
      kubernetes: { blockedBy: () => null },
      reconciler: { reconcile },
      writer,
      random,
    });
  }

  it('is tried again, and the last attempt is shown as an error without internal details', async () => {
    const project = await system.create({ queued: false });
    const attempts = attemptsWith(async () => {
      throw new TypeError("Cannot read properties of undefined (reading 'metadata')");
    });
    const options = { of: 3, log, signal };
    expect(await attempts.run({ projectId: project.id }, { ...options, number: 2 })).toMatchObject({ kind: 'retry' });
    expect(await system.read(project.id)).toMatchObject({ status: 'initializing', reason: 'internal-error' });
    expect(await attempts.run({ projectId: project.id }, { ...options, number: 3 })).toMatchObject({ kind: 'failed' });
    const failedPermanently = await system.read(project.id);
    expect(failedPermanently).toMatchObject({ status: 'error', reason: 'internal-error', failedGeneration: 1 });
    expect(failedPermanently.message).toMatch(
      /^Something went wrong in the project manager itself\. An administrator .*\.$/,
    );
    expect(failedPermanently.nextStep).toMatch(/retry\.$/);
  });

  it.each([0, 1])('waits half a minute to a minute after a refusal, without an end: random part %d', async (part) => {
    const { id } = await system.create({ queued: false });
    const refused = new KubernetesError('transient', 'forbidden', 'The worker lacks a permission.', { status: 403 });
    const attempts = attemptsWith(
      () => Promise.reject(refused),
      () => part,
    );
    const outcome = await attempts.run({ projectId: id }, { number: 99, of: 3, log, signal });
    expect(outcome).toMatchObject({ kind: 'requeue', requeueAfterMs: 30_000 * (1 + part) });
    expect(await system.read(id)).toMatchObject({ reason: 'forbidden', failedGeneration: null });
  });

  it('is no failure of the project when the database failed: it is always tried again', async () => {
    const project = await system.create({ queued: false });
    const attempts = attemptsWith(async () => {
      throw Object.assign(new Error('Connection terminated unexpectedly'), { code: '57P01' });
    });
    const outcome = await attempts.run({ projectId: project.id }, { number: 99, of: 3, log, signal });
    expect(outcome).toMatchObject({ kind: 'retry', generation: 1 });
    expect(await system.read(project.id)).toMatchObject({ podError: null, failedGeneration: null });
  });
});
