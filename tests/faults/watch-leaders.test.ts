import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';

import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import type { FaultyWatch } from '../support/faulty-watch.ts';
import type { ServiceProcess } from '../support/processes.ts';
import { recordRows } from '../support/row-history.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../support/worker-system.ts';
import { startFailingWorker, type FailingWorkerOptions } from './failing-worker-process.ts';

/** Of the lease; no worker of these tests waits as long as in production. */
const quickTimes = { watchTtlMs: 2_000, watchRenewMs: 300 };
const patience = { timeout: 30_000, interval: 50 };

let cluster: QuickCluster;
beforeAll(async () => {
  cluster = await startQuickCluster();
});
afterAll(() => cluster.stop());

async function startSystem(): Promise<WorkerSystem> {
  const system = await createWorkerSystem(cluster);
  onTestFinished(() => system.stop());
  return system;
}

async function startProcess(system: WorkerSystem, options: FailingWorkerOptions): Promise<ServiceProcess> {
  const worker = await startFailingWorker(system.places, options);
  onTestFinished(async () => void (await worker.kill()));
  return worker;
}

const isOwner = (worker: ServiceProcess) => worker.metric('opencode_watch_owner');

/** Two workers: the first owns the watch, and the pod of a project is up. */
async function startTwo(first: FailingWorkerOptions, second: FailingWorkerOptions) {
  const system = await startSystem();
  const owner = await startProcess(system, first);
  const project = await system.create();
  const before = await system.until(project.id, { status: 'ready', observedGeneration: 1 }, 30_000);
  const other = await startProcess(system, second);
  expect([await isOwner(owner), await isOwner(other)]).toEqual([1, 0]);
  return { system, owner, other, before };
}

/** From now on the present watches are told nothing but what leads to the end of this pod, and that only when `until` resolves. */
function deafen(system: WorkerSystem, podUid: string | null, until?: Promise<void>): void {
  const ofOwner = new Set(system.kubernetes.watches);
  const hasEnded = new Set<FaultyWatch>();
  system.kubernetes.alter = (event, watch) => {
    if (!ofOwner.has(watch)) return [event];
    if (hasEnded.has(watch)) return [];
    if (event.type === 'DELETED' && event.object.metadata?.uid === podUid) hasEnded.add(watch);
    if (!until) return [event];
    void until.then(() => watch.send(event));
    return [];
  };
}

/** The pod is deleted by hand, and whoever owns the watch replaces it. */
async function replacePod(system: WorkerSystem, before: ProjectRecord): Promise<ProjectRecord> {
  await deletePod(before);
  return untilReplaced(system, before);
}

const deletePod = ({ podName }: ProjectRecord) =>
  cluster.api.deleteNamespacedPod({ name: podName, namespace: 'opencode' });

const untilReplaced = (system: WorkerSystem, before: ProjectRecord) =>
  vi.waitFor(async () => {
    const record = await system.read(before.id);
    expect(record).toMatchObject({ status: 'ready', podUid: expect.any(String) });
    expect(record.podUid).not.toBe(before.podUid);
    return record;
  }, patience);

/** How many status writes wait for a lock at this moment. */
async function waitingWrites({ db }: WorkerSystem): Promise<number> {
  const activity = db('pg_stat_activity').whereRaw('datname = current_database()');
  const ofWorkers = activity.where({ applicationName: 'opencode-worker', waitEventType: 'Lock' });
  return (await ofWorkers.whereLike('query', 'with "changed" as (update "projects"%')).length;
}

describe('fault 2: two watch owners at once', () => {
  it('an owner that was frozen until another had the watch writes nothing of what it saw late, and lives on as a worker', async () => {
    const { system, owner, other, before } = await startTwo(quickTimes, quickTimes);
    const historyOf = await recordRows(system.db);
    owner.freeze();
    deafen(system, before.podUid); // what it reads when it is thawed
    await vi.waitFor(async () => expect(await isOwner(other)).toBe(1), patience);
    const after = await replacePod(system, before);
    const history = await historyOf(before.id);
    expect(history.map(({ version }) => version)).toEqual(history.map((_, index) => before.statusVersion + 1 + index));
    expect(history.at(-1)?.podUid).toBe(after.podUid);

    owner.thaw();
    await vi.waitFor(async () => expect(await isOwner(owner)).toBe(0), patience);
    expect(owner.output()).toContain('this worker has lost the watch');
    expect(await historyOf(before.id)).toEqual(history);
    expect(await isOwner(other)).toBe(1);

    const jobsDone = await owner.metric('opencode_jobs_total', { outcome: 'done' });
    await vi.waitFor(async () => {
      const { id } = await system.create(); // whichever of the two is quicker takes it
      await system.until(id, { status: 'ready' });
      expect(await owner.metric('opencode_jobs_total', { outcome: 'done' })).toBeGreaterThan(jobsDone);
    }, patience);
    await other.kill();
    await vi.waitFor(async () => expect(await isOwner(owner)).toBe(1), patience);
    await replacePod(system, after);
  }, 120_000);

  it('of two that both believe to be the owner, the one with the older epoch writes nothing', async () => {
    const sure = { watchTtlMs: 300_000, watchRenewMs: 120_000 }; // believes it for as long as this test lasts
    const { system, owner, other, before } = await startTwo(sure, { ...quickTimes, watchTtlMs: 60_000 });
    const historyOf = await recordRows(system.db);
    const news = Promise.withResolvers<void>();
    deafen(system, before.podUid, news.promise);
    await system.db('leases').update({ expiresAt: system.db.raw("now() - interval '1 second'") });
    await vi.waitFor(async () => expect(await isOwner(other)).toBe(1), patience);
    const after = await replacePod(system, before);
    const history = await historyOf(before.id);

    const lock = await system.db.transaction();
    await lock.raw('lock table leases in access exclusive mode'); // so that it is seen that it asks
    news.resolve();
    await vi.waitFor(async () => expect(await waitingWrites(system)).toBe(1), patience);
    expect([await isOwner(owner), await isOwner(other)]).toEqual([1, 1]);
    await lock.rollback();
    await vi.waitFor(async () => expect(await waitingWrites(system)).toBe(0), patience);
    expect(await owner.kill('SIGTERM')).toEqual({ code: 0, signal: null }); // when its writes have ended
    expect(await historyOf(before.id)).toEqual(history);
    expect(await system.read(before.id)).toEqual(after);
    expect(await isOwner(other)).toBe(1);
  }, 120_000);

  it('an owner that is frozen in the middle of a write holds no row and does not hold up the next one', async () => {
    const { system, owner, other, before } = await startTwo(quickTimes, quickTimes);
    const historyOf = await recordRows(system.db);
    const lock = await system.db.transaction();
    await lock('projects').where({ id: before.id }).forUpdate();
    await deletePod(before);
    await vi.waitFor(async () => expect(await waitingWrites(system)).toBe(1), patience);
    owner.freeze();
    await lock.rollback();

    await untilReplaced(system, before);
    expect(await isOwner(other)).toBe(1);
    const history = await historyOf(before.id);
    owner.thaw();
    await vi.waitFor(async () => expect(await isOwner(owner)).toBe(0), patience);
    expect(await historyOf(before.id)).toEqual(history);
    expect((await fetch(`${owner.url}/readyz`)).status).toBe(200);
  }, 120_000);
});
