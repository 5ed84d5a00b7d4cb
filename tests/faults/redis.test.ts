import { describe, expect, vi } from 'vitest';

import type { ProjectJob } from '../../src/shared/contract/jobs.ts';
import type { Worker } from '../../src/worker/worker.ts';
import { gate, isCall, refusal } from '../support/kubernetes-refusal.ts';
import { projectText } from '../support/project-text.ts';
import { readMetric } from '../support/read-metric.ts';
import type { WorkerSystem } from '../support/worker-system.ts';
import { itWithOwnRedis as it } from '../support/worker-test.ts';

const namespace = 'opencode';
const brokenApi = refusal(500, 'InternalError', 'etcdserver: leader changed');
const corrections = 'opencode_resync_corrections_total';
const correctionKinds = ['lost-job', 'drift', 'status', 'left-over', 'unknown-pod'];

async function metric(worker: Worker, name: string, labels?: Record<string, string>): Promise<number> {
  return readMetric(await worker.metrics.registry.metrics(), name, labels);
}
const attemptsWithoutQueue = (worker: Worker) => metric(worker, 'opencode_jobs_total', { name: 'without-queue' });

/** As long as the API refuses every pod, each POST of a pod is one attempt. */
const attemptTimes = ({ kubernetes }: WorkerSystem) =>
  kubernetes.requests.filter(isCall('POST', 'pods')).map(({ at }) => at);

function refusePods({ kubernetes }: WorkerSystem): void {
  kubernetes.fault = (request) => (isCall('POST', 'pods')(request) ? brokenApi : undefined);
}

const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000);

async function untilLeader(worker: Worker): Promise<void> {
  await vi.waitFor(async () => expect(await metric(worker, 'opencode_watch_connected')).toBe(1), { timeout: 10_000 });
}

/** Makes each pause between attempts a tenth of the shortest real one. */
const shortPauses = { random: () => -0.9 };

/** No attempt began before its pause was over. A timer may fire a millisecond early. */
function expectPauses(system: WorkerSystem, pausesMs: number[]): void {
  const times = attemptTimes(system);
  pausesMs.forEach((pauseMs, index) => {
    expect((times[index + 1] ?? 0) - (times[index] ?? 0)).toBeGreaterThan(pauseMs - 2);
  });
}

describe('fault 3: Redis is down', () => {
  it('the watch leader alone carries out commands without the queue, with exactly one pod for each project', async ({
    system,
    redis,
    cluster,
  }) => {
    const leader = await system.startWorker();
    await untilLeader(leader);
    const other = await system.startWorker();
    const [lost, stopped, deleted] = await Promise.all([system.create(), system.create(), system.create()]);
    for (const { id } of [lost, stopped, deleted]) await system.until(id, { status: 'ready', observedGeneration: 1 });
    const before = await system.read(lost.id);
    await redis.kill();

    const created = await system.create();
    await system.command(stopped.id, 'stop');
    await system.command(deleted.id, 'delete');
    await cluster.api.deleteNamespacedPod({ name: lost.podName, namespace });
    await system.until(created.id, { status: 'ready', podError: null }, 15_000);
    await system.until(stopped.id, { status: 'stopped' }, 15_000);
    await system.until(deleted.id, { status: 'archived' }, 15_000);
    await vi.waitFor(async () => expect((await system.read(lost.id)).podUid).not.toBe(before.podUid), 15_000);
    await system.until(lost.id, { status: 'ready' });
    await system.command(stopped.id, 'start');
    await system.until(stopped.id, { status: 'ready' }, 15_000);

    for (const { id } of [created, lost, stopped]) expect(await system.podsOf(id)).toHaveLength(1);
    expect(await system.podsOf(deleted.id)).toEqual([]);
    expect(await system.claimUid(deleted.id)).toBeNull();
    expect(attemptTimes(system)).toHaveLength(6);
    expect(await attemptsWithoutQueue(leader)).toBeGreaterThan(0);
    expect(await attemptsWithoutQueue(other)).toBe(0);
  }, 60_000);

  it('a worker stops within five seconds', async ({ system, redis }) => {
    const worker = await system.startWorker();
    await system.until((await system.create()).id, { status: 'ready' });
    await redis.kill();
    await system.create({ queued: false });
    const startedAt = performance.now();
    await worker.stop();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

/** These tests wait for pauses and use little processor time, so they run side by side. */
describe.concurrent('fault 3: attempts while Redis is down', () => {
  it('failing attempts end after the tenth with an error that a retry clears, and never become a storm', async ({
    system,
    redis,
  }) => {
    refusePods(system);
    await redis.kill();
    const worker = await system.startWorker({}, shortPauses);
    const project = await system.create({ queued: false });
    const failed = await system.until(project.id, { status: 'error', failedGeneration: 1 }, 20_000);
    expect(projectText(failed)).toMatch(/HTTP 500/);
    expect(attemptTimes(system)).toHaveLength(10);
    expectPauses(system, [25, 50, 100, 200, 400, 750, 750, 750, 750]);

    system.kubernetes.heal();
    // The sweep finds another project and starts it. It must not start the failed one.
    await system.until((await system.create({ queued: false })).id, { status: 'ready' }, 15_000);
    expect(attemptTimes(system)).toHaveLength(11);
    expect(await system.read(project.id)).toMatchObject({ status: 'error' });
    await system.command(project.id, 'retry', { queued: false });
    await system.until(project.id, { status: 'ready', podError: null, failedGeneration: null }, 15_000);
    expect(await attemptsWithoutQueue(worker)).toBeGreaterThanOrEqual(12);
  }, 60_000);

  it('the sweep does not shorten the pause before the next attempt', async ({ system, redis }) => {
    refusePods(system);
    await redis.kill();
    await system.startWorker(); // the shortest real pauses
    await system.create({ queued: false });
    await vi.waitFor(() => expect(attemptTimes(system)).toHaveLength(6), { timeout: 30_000 });
    expectPauses(system, [250, 500, 1_000, 2_000, 4_000]);
  }, 60_000);

  it('a project whose attempt runs when Redis returns belongs to the queue from then on', async ({ system, redis }) => {
    const hold = gate();
    let posts = 0;
    system.kubernetes.fault = (request) => {
      if (!isCall('POST', 'pods')(request)) return undefined;
      posts += 1;
      return posts === 3 ? hold.closed : brokenApi;
    };
    await redis.kill();
    const worker = await system.startWorker({}, shortPauses);
    const project = await system.create({ queued: false });
    await vi.waitFor(() => expect(posts).toBe(3), { timeout: 15_000 });
    await redis.start();
    // The comparison of rows and cluster queues a job, which fails while the third attempt is held back.
    await vi.waitFor(() => expect(posts).toBeGreaterThan(4), { timeout: 15_000 });
    hold.open(brokenApi);
    await system.until(project.id, { status: 'error', failedGeneration: 1 }, 20_000);
    expect(await attemptsWithoutQueue(worker)).toBe(3);
    expect(posts).toBe(3 + 10);
  }, 60_000);

  it('a worker that has lost the lease makes no further attempts', async ({ system, redis }) => {
    refusePods(system);
    await redis.kill();
    const worker = await system.startWorker({}, { random: () => 1 }); // pauses of 0.5, 1, 2 seconds and so on
    await untilLeader(worker);
    const project = await system.create({ queued: false });
    await vi.waitFor(async () => expect(await attemptsWithoutQueue(worker)).toBe(3), { timeout: 15_000 });
    // Another worker takes the lease, as when the database was unavailable for longer than the lease lasts.
    const lease = system.db('leases');
    await lease.clone().update({ holder: 'another', epoch: system.db.raw('epoch + 1'), expiresAt: inMinutes(1) });
    await vi.waitFor(async () => expect(await metric(worker, 'opencode_watch_owner')).toBe(0), 10_000);
    const lastAt = attemptTimes(system).at(-1) ?? 0;
    await vi.waitFor(() => expect(performance.now() - lastAt).toBeGreaterThan(3_000), { timeout: 5_000 });
    expect(attemptTimes(system)).toHaveLength(3);

    system.kubernetes.heal();
    await lease.clone().update({ expiresAt: inMinutes(-1) });
    await system.until(project.id, { status: 'ready' }, 15_000);
  }, 60_000);
});

describe('fault 4: Redis loses all its data', () => {
  it('every lost job is queued again within 5 s, counted, and done', async ({ system, redis }) => {
    const hold = gate();
    system.kubernetes.fault = (request) =>
      isCall('POST', 'persistentvolumeclaims')(request) ? hold.closed : undefined;
    const worker = await system.startWorker({ WORKER_CONCURRENCY: '1' });
    await untilLeader(worker);
    const projects = await Promise.all(Array.from({ length: 20 }, () => system.create()));
    await vi.waitFor(
      async () => expect(await system.jobs.getJobCounts('wait', 'active')).toEqual({ wait: 19, active: 1 }),
      10_000,
    );
    await redis.flushAll();
    const flushedAt = performance.now();
    const queuedProjects = async () => {
      const jobs = await system.jobs.getJobs(['wait', 'active']);
      return new Set(jobs.map(({ data }) => (data as ProjectJob).projectId)); // only this test adds jobs
    };
    const expected = new Set(projects.map(({ id }) => id));
    await vi.waitFor(async () => expect(await queuedProjects()).toEqual(expected), { timeout: 10_000, interval: 20 });
    expect(performance.now() - flushedAt).toBeLessThan(5_000);
    await vi.waitFor(async () => expect(await metric(worker, corrections, { kind: 'lost-job' })).toBe(20), 10_000);
    hold.open();
    for (const { id } of projects) {
      await system.until(id, { status: 'ready', podError: null }, 20_000);
      expect(await system.podsOf(id)).toHaveLength(1);
    }
  }, 60_000);

  it('the worker takes new jobs from the queue, so that nothing has to be corrected', async ({ system, redis }) => {
    const worker = await system.startWorker();
    await system.until((await system.create()).id, { status: 'ready', observedGeneration: 1 });
    await system.untilQueueIsEmpty();
    const jobsDone = () => metric(worker, 'opencode_jobs_total', { name: 'create-pod', outcome: 'done' });
    const before = await jobsDone();
    await redis.flushAll();
    await system.until((await system.create()).id, { status: 'ready' });
    await vi.waitFor(async () => expect(await jobsDone()).toBeGreaterThan(before), 10_000);
    // The sweep has found no lost job, and no attempt was made without the queue.
    const counts = [await metric(worker, corrections, { kind: 'lost-job' }), await attemptsWithoutQueue(worker)];
    expect(counts).toEqual([0, 0]);
  });

  it('without any fault nothing is corrected, even when the cluster is slow', async ({ system }) => {
    // Each job takes longer than the age at which the sweep looks for a pending command.
    const slow = async () => {
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      return undefined;
    };
    system.kubernetes.fault = (request) => (request.method === 'POST' ? slow() : undefined);
    const worker = await system.startWorker({ WORKER_CONCURRENCY: '4' }, { resyncMs: 100 });
    await untilLeader(worker);
    const projects = await Promise.all(Array.from({ length: 8 }, () => system.create()));
    for (const { id } of projects) await system.until(id, { status: 'ready' }, 40_000);
    await Promise.all(projects.slice(0, 6).map(({ id }) => system.command(id, 'stop')));
    for (const { id } of projects.slice(0, 6)) await system.until(id, { status: 'stopped' }, 40_000);
    await Promise.all(projects.slice(0, 3).map(({ id }) => system.command(id, 'start')));
    await Promise.all(projects.slice(3).map(({ id }) => system.command(id, 'delete')));
    for (const { id } of projects.slice(0, 3)) await system.until(id, { status: 'ready' }, 40_000);
    for (const { id } of projects.slice(3)) await system.until(id, { status: 'archived' }, 40_000);
    for (const kind of correctionKinds) expect([kind, await metric(worker, corrections, { kind })]).toEqual([kind, 0]);
  }, 140_000);
});
