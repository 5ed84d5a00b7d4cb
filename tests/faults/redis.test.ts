import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import type { ProjectJob } from '../../src/shared/contract/jobs.ts';
import type { Worker } from '../../src/worker/worker.ts';
import { gate, isCall, refusal } from '../support/kubernetes-refusal.ts';
import { createOwnRedis, type OwnRedis } from '../support/own-services.ts';
import { projectText } from '../support/project-text.ts';
import { readMetric } from '../support/read-metric.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../support/worker-system.ts';

const namespace = 'opencode';
const brokenApi = refusal(500, 'InternalError', 'etcdserver: leader changed');
const corrections = 'opencode_resync_corrections_total';
const kinds = ['lost-job', 'drift', 'status', 'left-over', 'unknown-pod'];

let cluster: QuickCluster;
let redis: OwnRedis;
let system: WorkerSystem;

beforeAll(async () => {
  [cluster, redis] = await Promise.all([startQuickCluster(), createOwnRedis()]);
});
afterAll(() => Promise.all([cluster.stop(), redis.stop()]));
beforeEach(async () => {
  await redis.start();
  await redis.flushAll();
  system = await createWorkerSystem(cluster, { redisUrl: redis.url });
});
afterEach(() => system.stop());

async function metric(worker: Worker, name: string, labels?: Record<string, string>): Promise<number> {
  return readMetric(await worker.metrics.registry.metrics(), name, labels);
}
const attemptsAround = (worker: Worker) => metric(worker, 'opencode_jobs_total', { name: 'without-queue' });

/** One attempt at a project is one POST of its pod, as long as the API refuses them all. */
const attemptTimes = () => system.kubernetes.requests.filter(isCall('POST', 'pods')).map(({ at }) => at);

const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000);

async function untilOwner(worker: Worker): Promise<void> {
  await vi.waitFor(async () => expect(await metric(worker, 'opencode_watch_connected')).toBe(1), { timeout: 10_000 });
}

describe('fault 3: while Redis is dead', () => {
  it('wishes are carried out without the queue, by the owner of the lease alone, with exactly one pod', async () => {
    const owner = await system.startWorker();
    await untilOwner(owner);
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
    expect(system.kubernetes.requests.filter(isCall('POST', 'pods'))).toHaveLength(6);
    expect(await attemptsAround(owner)).toBeGreaterThan(0);
    expect(await attemptsAround(other)).toBe(0);
  }, 60_000);

  /** So that the pauses between attempts are a tenth of the shortest real ones, in the same proportions. */
  const quick = { random: () => -0.9 };

  /** No attempt began before its pause was over; a timer may fire a millisecond early. */
  function expectPauses(pausesMs: number[]): void {
    const times = attemptTimes();
    pausesMs.forEach((pauseMs, index) => {
      expect((times[index + 1] ?? 0) - (times[index] ?? 0)).toBeGreaterThan(pauseMs - 2);
    });
  }

  it('attempts that fail end after the last one in an error that a retry heals, with no storm of requests', async () => {
    system.kubernetes.fault = (request) => (isCall('POST', 'pods')(request) ? brokenApi : undefined);
    await redis.kill();
    const worker = await system.startWorker({}, quick);
    const project = await system.create({ queued: false });
    const failed = await system.until(project.id, { status: 'error', failedGeneration: 1 }, 20_000);
    expect(projectText(failed)).toMatch(/HTTP 500.*Mend the cause and retry\./s);
    expect(attemptTimes()).toHaveLength(10);
    expectPauses([25, 50, 100, 200, 400, 750, 750, 750, 750]);

    system.kubernetes.fault = () => undefined;
    // Another project is found by the sweep and goes all the way meanwhile: nobody calls the first.
    await system.until((await system.create({ queued: false })).id, { status: 'ready' }, 15_000);
    expect(attemptTimes()).toHaveLength(11);
    expect(await system.read(project.id)).toMatchObject({ status: 'error' });
    await system.command(project.id, 'retry', { queued: false });
    await system.until(project.id, { status: 'ready', podError: null, failedGeneration: null }, 15_000);
    expect(await attemptsAround(worker)).toBeGreaterThanOrEqual(12);
  }, 60_000);

  it('the sweep calls nobody out of the pause before the next attempt', async () => {
    system.kubernetes.fault = (request) => (isCall('POST', 'pods')(request) ? brokenApi : undefined);
    await redis.kill();
    await system.startWorker(); // the shortest real pauses
    await system.create({ queued: false });
    await vi.waitFor(() => expect(attemptTimes()).toHaveLength(6), { timeout: 30_000 });
    expectPauses([250, 500, 1_000, 2_000, 4_000]);
  }, 60_000);

  it('a project whose attempt runs when Redis comes back is the queue’s from then on', async () => {
    const hold = gate();
    let posts = 0;
    system.kubernetes.fault = (request) => {
      if (!isCall('POST', 'pods')(request)) return undefined;
      posts += 1;
      return posts === 3 ? hold.closed : brokenApi;
    };
    await redis.kill();
    const worker = await system.startWorker({}, quick);
    const project = await system.create({ queued: false });
    await vi.waitFor(() => expect(posts).toBe(3), { timeout: 15_000 });
    await redis.start();
    // The job that the comparison has queued fails beside the attempt that is held.
    await vi.waitFor(() => expect(posts).toBeGreaterThan(4), { timeout: 15_000 });
    hold.open(brokenApi);
    await system.until(project.id, { status: 'error', failedGeneration: 1 }, 20_000);
    expect(await attemptsAround(worker)).toBe(3);
    expect(posts).toBe(3 + 10);
  }, 60_000);

  it('a worker that has lost the lease makes no further attempts', async () => {
    system.kubernetes.fault = (request) => (isCall('POST', 'pods')(request) ? brokenApi : undefined);
    await redis.kill();
    const worker = await system.startWorker({}, { random: () => 1 }); // pauses of 0.5, 1, 2 seconds and so on
    await untilOwner(worker);
    const project = await system.create({ queued: false });
    await vi.waitFor(async () => expect(await attemptsAround(worker)).toBe(3), { timeout: 15_000 });
    // As if its database had been away for longer than the lease lasts.
    const lease = system.db('leases');
    await lease.clone().update({ holder: 'another', epoch: system.db.raw('epoch + 1'), expiresAt: inMinutes(1) });
    await vi.waitFor(async () => expect(await metric(worker, 'opencode_watch_owner')).toBe(0), 10_000);
    const lastAt = attemptTimes().at(-1) ?? 0;
    await vi.waitFor(() => expect(performance.now() - lastAt).toBeGreaterThan(3_000), { timeout: 5_000 });
    expect(attemptTimes()).toHaveLength(3);

    system.kubernetes.fault = () => undefined;
    await lease.clone().update({ expiresAt: inMinutes(-1) });
    await system.until(project.id, { status: 'ready' }, 15_000);
  }, 60_000);

  it('does not keep a worker from stopping', async () => {
    const worker = await system.startWorker();
    await system.until((await system.create()).id, { status: 'ready' });
    await redis.kill();
    await system.create({ queued: false });
    const startedAt = performance.now();
    await worker.stop();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

describe('fault 4: Redis wiped', () => {
  it('every lost job is queued again within 5 s, counted, and done', async () => {
    const hold = gate();
    system.kubernetes.fault = (request) =>
      isCall('POST', 'persistentvolumeclaims')(request) ? hold.closed : undefined;
    const worker = await system.startWorker({ WORKER_CONCURRENCY: '1' });
    await untilOwner(worker);
    const projects = await Promise.all(Array.from({ length: 20 }, () => system.create()));
    await vi.waitFor(
      async () => expect(await system.jobs.getJobCounts('wait', 'active')).toEqual({ wait: 19, active: 1 }),
      10_000,
    );
    await redis.flushAll();
    const wipedAt = performance.now();
    const queued = async () => {
      const jobs = await system.jobs.getJobs(['wait', 'active']);
      return new Set(jobs.map(({ data }) => (data as ProjectJob).projectId)); // we are the only producer
    };
    const desired = new Set(projects.map(({ id }) => id));
    await vi.waitFor(async () => expect(await queued()).toEqual(desired), { timeout: 10_000, interval: 20 });
    expect(performance.now() - wipedAt).toBeLessThan(5_000);
    await vi.waitFor(async () => expect(await metric(worker, corrections, { kind: 'lost-job' })).toBe(20), 10_000);
    hold.open();
    for (const { id } of projects) {
      await system.until(id, { status: 'ready', podError: null }, 20_000);
      expect(await system.podsOf(id)).toHaveLength(1);
    }
  }, 60_000);

  it('the worker takes new jobs from the queue at once', async () => {
    const worker = await system.startWorker();
    await system.until((await system.create()).id, { status: 'ready', observedGeneration: 1 });
    const rests = async () => expect(await system.jobs.getJobCounts('wait', 'active')).toEqual({ wait: 0, active: 0 });
    await vi.waitFor(rests, 10_000);
    const jobsDone = () => metric(worker, 'opencode_jobs_total', { name: 'create-pod', outcome: 'done' });
    const before = await jobsDone();
    await redis.flushAll();
    const startedAt = performance.now();
    await system.until((await system.create()).id, { status: 'ready' });
    await vi.waitFor(async () => expect(await jobsDone()).toBeGreaterThan(before), 10_000);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    // The sweep has found nothing lost, and nobody went around the queue.
    expect([await metric(worker, corrections, { kind: 'lost-job' }), await attemptsAround(worker)]).toEqual([0, 0]);
  });

  it('without any fault nothing is corrected, by a slow cluster neither', async () => {
    // Jobs take longer than the age at which a wish is looked at by the sweep.
    const slow = async () => {
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      return undefined;
    };
    system.kubernetes.fault = (request) => (request.method === 'POST' ? slow() : undefined);
    const worker = await system.startWorker({ WORKER_CONCURRENCY: '4' }, { resyncMs: 100 });
    await untilOwner(worker);
    const projects = await Promise.all(Array.from({ length: 16 }, () => system.create()));
    for (const { id } of projects) await system.until(id, { status: 'ready' }, 40_000);
    await Promise.all(projects.slice(0, 12).map(({ id }) => system.command(id, 'stop')));
    for (const { id } of projects.slice(0, 12)) await system.until(id, { status: 'stopped' }, 40_000);
    await Promise.all(projects.slice(0, 6).map(({ id }) => system.command(id, 'start')));
    await Promise.all(projects.slice(6).map(({ id }) => system.command(id, 'delete')));
    for (const { id } of projects.slice(0, 6)) await system.until(id, { status: 'ready' }, 40_000);
    for (const { id } of projects.slice(6)) await system.until(id, { status: 'archived' }, 40_000);
    for (const kind of kinds) expect([kind, await metric(worker, corrections, { kind })]).toEqual([kind, 0]);
  }, 140_000);
});
