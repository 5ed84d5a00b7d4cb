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

describe('an attempt that fails because of a bug', () => {
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

describe('fault 30: a project whose attempts kill their worker', () => {
  /** A worker of its own. An attempt of it that never ends is like one of a killed worker: it writes nothing any more. */
  const options = { number: 1, of: 10, log, signal };
  const neverEnds = () => new Promise<never>(() => undefined);

  /** Makes an attempt with a new worker, and resolves when it has begun; `false` when it ended instead. */
  async function isKilled(projectId: string): Promise<boolean> {
    let hasBegun: (begun: boolean) => void = () => undefined;
    const begun = new Promise<boolean>((resolve) => {
      hasBegun = resolve;
    });
    const attempts = attemptsWith(() => {
      hasBegun(true);
      return neverEnds();
    });
    return Promise.race([begun, attempts.run({ projectId }, options).then(() => false)]);
  }

  async function untilGivenUp(projectId: string): Promise<number> {
    let killed = 0;
    while (killed < 20 && (await isKilled(projectId))) killed += 1;
    return killed;
  }

  it('is given up with words after four workers, and a retry makes further attempts', async () => {
    const { id } = await system.create({ queued: false });
    expect(await untilGivenUp(id)).toBe(4);
    const row = await system.read(id);
    expect(row).toMatchObject({
      status: 'error',
      reason: 'internal-error',
      failedGeneration: 1,
      actor: 'administrator',
    });
    expect(row.message).toMatch(/attempts did not end/);
    expect(row.nextStep).toMatch(/retry\.$/);
    await system.startWorker();
    await system.command(id, 'retry');
    await system.until(id, { status: 'ready', unfinishedAttempts: 0 });
  });

  it('does not take others along: they are attempted alone, and continue', async () => {
    const [poison, bystander, other] = [
      await system.create({ queued: false }),
      await system.create({ queued: false }),
      await system.create({ queued: false }),
    ];
    // Two workers were at work on all three when they died.
    for (const { id } of [poison, bystander, other, poison, bystander, other]) expect(await isKilled(id)).toBe(true);
    let finish: (result: { kind: 'done' }) => void = () => undefined;
    const attempts = attemptsWith(() => new Promise((resolve) => void (finish = resolve)));
    const first = attempts.run({ projectId: bystander.id }, options);
    await system.until(bystander.id, { unfinishedAttempts: 3 });
    // It waits for its turn without a place and without an attempt.
    expect(await attempts.run({ projectId: other.id }, options)).toMatchObject({ kind: 'requeue' });
    expect(await system.read(other.id)).toMatchObject({ unfinishedAttempts: 2 });
    finish({ kind: 'done' });
    expect(await first).toMatchObject({ kind: 'done' });
    expect(await system.read(bystander.id)).toMatchObject({ unfinishedAttempts: 0 });
    await untilGivenUp(poison.id);
    await system.startWorker();
    await system.until(bystander.id, { status: 'ready' });
    await system.until(other.id, { status: 'ready' });
    expect(await system.read(poison.id)).toMatchObject({ status: 'error', failedGeneration: 1 });
  });

  it('is not one whose attempts end while the database takes no end', async () => {
    const { id: projectId } = await system.create({ queued: false });
    await system.db.raw(`create function refuse_end() returns trigger language plpgsql as
      $$ begin raise exception 'the database is shutting down' using errcode = '57P01'; end $$`);
    const attempts = attemptsWith(async () => {
      await system.db.raw(`create trigger refuse_end before update on projects
        for each row when (new.unfinished_attempts < old.unfinished_attempts) execute function refuse_end()`);
      return { kind: 'done' };
    });
    for (let time = 0; time < 6; time++) {
      expect(await attempts.run({ projectId }, options)).toMatchObject({ kind: 'done' });
      expect(await system.read(projectId)).toMatchObject({ unfinishedAttempts: 1 });
      await system.db.raw('drop trigger refuse_end on projects');
    }
  });

  it('is not one whose attempts fail, or are cancelled by the stop of their worker', async () => {
    const { id: projectId } = await system.create({ queued: false });
    const failing = attemptsWith(() => Promise.reject(new Error('a bug')));
    for (let time = 0; time < 6; time++) await failing.run({ projectId }, options);
    const stopping = new AbortController();
    const cancelled = attemptsWith(async () => {
      stopping.abort(new Error('The worker is stopping.'));
      throw new Error('cancelled');
    });
    await expect(cancelled.run({ projectId }, { ...options, signal: stopping.signal })).rejects.toThrow('stopping');
    expect(await system.read(projectId)).toMatchObject({ unfinishedAttempts: 0, failedGeneration: null });
  });
});
