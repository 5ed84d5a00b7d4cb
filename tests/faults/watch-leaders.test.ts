import { afterAll, beforeAll, describe, expect, it, vi, type TestContext } from 'vitest';

import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import type { WatchLeaderTimes } from '../../src/worker/pods/watch/watch-leader.ts';
import type { Worker } from '../../src/worker/worker.ts';
import type { FaultyWatch } from '../support/faulty-watch.ts';
import type { ServiceProcess } from '../support/processes.ts';
import { readMetric } from '../support/read-metric.ts';
import { recordRows } from '../support/row-history.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../support/worker-system.ts';
import { startTunedWorker } from './tuned-worker-process.ts';

/** The times of the lease, shorter than in production. */
const quickTimes: WatchLeaderTimes = { ttlMs: 2_000, renewMs: 300 };
const waiting = { timeout: 30_000, interval: 50 };

let cluster: QuickCluster;
beforeAll(async () => {
  cluster = await startQuickCluster();
});
afterAll(() => cluster.stop());

const isLeader = (worker: ServiceProcess) => worker.metric('opencode_watch_owner');
const isLeaderToo = async (worker: Worker) =>
  readMetric(await worker.metrics.registry.metrics(), 'opencode_watch_owner', {});

/** Two workers. The first is a process, which can be frozen, and the watch leader; the pod of a project is ready. */
async function startTwo(
  onTestFinished: TestContext['onTestFinished'],
  times: { first: WatchLeaderTimes; second: WatchLeaderTimes },
) {
  const system = await createWorkerSystem(cluster);
  onTestFinished(() => system.stop());
  const { ttlMs: watchTtlMs, renewMs: watchRenewMs } = times.first;
  const leader = await startTunedWorker(system.places, { watchTtlMs, watchRenewMs });
  onTestFinished(async () => void (await leader.kill()));
  const project = await system.create();
  const before = await system.until(project.id, { status: 'ready', observedGeneration: 1 }, waiting.timeout);
  const other = await system.startWorker({}, { watchTimes: times.second });
  expect([await isLeader(leader), await isLeaderToo(other)]).toEqual([1, 0]);
  return { system, leader, other, before };
}

/** From now on the open watches report only the end of this pod, and that only when `until` resolves. */
function muteWatches(system: WorkerSystem, podUid: string | null, until?: Promise<void>): void {
  const ofLeader = new Set(system.kubernetes.watches);
  const hasEnded = new Set<FaultyWatch>();
  system.kubernetes.alter = (event, watch) => {
    if (!ofLeader.has(watch)) return [event];
    if (hasEnded.has(watch)) return [];
    if (event.type === 'DELETED' && event.object.metadata?.uid === podUid) hasEnded.add(watch);
    if (!until) return [event];
    void until.then(() => watch.send(event));
    return [];
  };
}

/** Deletes the pod by hand, and waits until the workers have replaced it. */
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
  }, waiting);

/** The number of status writes that wait for a lock. */
async function waitingWrites({ db }: WorkerSystem): Promise<number> {
  const activity = db('pg_stat_activity').whereRaw('datname = current_database()');
  const ofWorkers = activity.where({ applicationName: 'opencode-worker', waitEventType: 'Lock' });
  return (await ofWorkers.whereLike('query', 'with "changed" as (update "projects"%')).length;
}

describe('fault 2: two watch leaders at once', () => {
  it.concurrent('a leader that was frozen until another worker led writes no late observation, and continues as a worker', async ({
    onTestFinished,
  }) => {
    const { system, leader, other, before } = await startTwo(onTestFinished, { first: quickTimes, second: quickTimes });
    const historyOf = await recordRows(system.db);
    leader.freeze();
    muteWatches(system, before.podUid); // what it reads after it is thawed
    await vi.waitFor(async () => expect(await isLeaderToo(other)).toBe(1), waiting);
    const after = await replacePod(system, before);
    const history = await historyOf(before.id);
    expect(history.map(({ version }) => version)).toEqual(history.map((_, index) => before.statusVersion + 1 + index));
    expect(history.at(-1)?.podUid).toBe(after.podUid);

    leader.thaw();
    await vi.waitFor(async () => expect(await isLeader(leader)).toBe(0), waiting);
    expect(leader.output()).toContain('this worker is no longer the watch leader');
    expect(await historyOf(before.id)).toEqual(history);
    expect(await isLeaderToo(other)).toBe(1);

    const jobsDone = await leader.metric('opencode_jobs_total', { outcome: 'done' });
    await vi.waitFor(async () => {
      const { id } = await system.create(); // the faster of the two takes it
      await system.until(id, { status: 'ready' });
      expect(await leader.metric('opencode_jobs_total', { outcome: 'done' })).toBeGreaterThan(jobsDone);
    }, waiting);
    await other.stop();
    await vi.waitFor(async () => expect(await isLeader(leader)).toBe(1), waiting);
    await replacePod(system, after);
  }, 120_000);

  it.concurrent('of two workers that both act as leader, the worker with the older epoch writes nothing', async ({
    onTestFinished,
  }) => {
    const unaware = { ttlMs: 300_000, renewMs: 120_000 }; // it does not renew its lease during this test
    const { system, leader, other, before } = await startTwo(onTestFinished, {
      first: unaware,
      second: { ...quickTimes, ttlMs: 60_000 },
    });
    const historyOf = await recordRows(system.db);
    const late = Promise.withResolvers<void>();
    muteWatches(system, before.podUid, late.promise);
    await system.db('leases').update({ expiresAt: system.db.raw("now() - interval '1 second'") });
    await vi.waitFor(async () => expect(await isLeaderToo(other)).toBe(1), waiting);
    const after = await replacePod(system, before);
    const history = await historyOf(before.id);

    const lock = await system.db.transaction();
    await lock.raw('lock table leases in access exclusive mode'); // so that the test can see that it tries to write
    late.resolve();
    await vi.waitFor(async () => expect(await waitingWrites(system)).toBe(1), waiting);
    expect([await isLeader(leader), await isLeaderToo(other)]).toEqual([1, 1]);
    await lock.rollback();
    await vi.waitFor(async () => expect(await waitingWrites(system)).toBe(0), waiting);
    expect(await leader.kill('SIGTERM')).toEqual({ code: 0, signal: null }); // after its writes have ended
    expect(await historyOf(before.id)).toEqual(history);
    expect(await system.read(before.id)).toEqual(after);
    expect(await isLeaderToo(other)).toBe(1);
  }, 120_000);

  it.concurrent('a leader that is frozen during a write does not block the row for the next leader', async ({
    onTestFinished,
  }) => {
    const { system, leader, other, before } = await startTwo(onTestFinished, { first: quickTimes, second: quickTimes });
    const historyOf = await recordRows(system.db);
    const lock = await system.db.transaction();
    await lock('projects').where({ id: before.id }).forUpdate();
    await deletePod(before);
    await vi.waitFor(async () => expect(await waitingWrites(system)).toBe(1), waiting);
    leader.freeze();
    await lock.rollback();

    await untilReplaced(system, before);
    expect(await isLeaderToo(other)).toBe(1);
    const history = await historyOf(before.id);
    leader.thaw();
    await vi.waitFor(async () => expect(await isLeader(leader)).toBe(0), waiting);
    expect(await historyOf(before.id)).toEqual(history);
    expect((await fetch(`${leader.url}/readyz`)).status).toBe(200);
  }, 120_000);
});
