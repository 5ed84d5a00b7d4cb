import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it, vi, type TestContext } from 'vitest';

import type { ProjectJob } from '../../src/shared/contract/jobs.ts';
import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import type { PassingRequest } from '../support/faulty-kubernetes.ts';
import { isCall } from '../support/kubernetes-refusal.ts';
import { startWorkerProcess, type ServiceProcess } from '../support/processes.ts';
import { proxyOf, type TcpProxy } from '../support/tcp-proxy.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../support/worker-system.ts';
import { startTunedWorker } from './tuned-worker-process.ts';

const exitLimitMs = 25_000;
const convergenceMs = 60_000;
/** The worker takes fewer jobs at once than there are projects. */
const concurrency = 4;
const projectCount = 7;
const noJobs = { wait: 0, active: 0, delayed: 0, failed: 0 };
vi.setConfig({ testTimeout: 180_000 });

let cluster: QuickCluster;
beforeAll(async () => {
  cluster = await startQuickCluster();
});
afterAll(() => cluster.stop());

interface Busy {
  system: WorkerSystem;
  /** A worker process that reconciles as many projects as it can at once. The others wait. */
  worker: ServiceProcess;
  projectIds: string[];
}

/** @param options.answerMs how long the cluster takes for each of the answers that a new project needs in sequence */
async function startBusy(
  onTestFinished: TestContext['onTestFinished'],
  options: { projects: number; answerMs: number; start: (places: WorkerSystem['places']) => Promise<ServiceProcess> },
): Promise<Busy> {
  const system = await createWorkerSystem(cluster);
  onTestFinished(() => system.stop());
  const { places, kubernetes, jobs } = system;
  await jobs.pause(); // until all projects exist
  const projectIds: string[] = [];
  while (projectIds.length < options.projects) projectIds.push((await system.create()).id);
  const worker = await options.start(places);
  onTestFinished(async () => void (await worker.kill()));
  await vi.waitFor(async () => expect(await worker.metric('opencode_watch_connected')).toBe(1), waitingUpTo(30_000));

  const isList = (request: PassingRequest) =>
    isCall('LIST', 'pods')(request) || isCall('LIST', 'persistentvolumeclaims')(request);
  kubernetes.fault = (request) => (request.isWatch || isList(request) ? undefined : delay(options.answerMs, undefined));
  await jobs.resume();
  await vi.waitFor(() => {
    const reads = kubernetes.requests.filter(isCall('GET', 'persistentvolumeclaims'));
    expect(reads.length).toBeGreaterThanOrEqual(Math.min(concurrency, options.projects));
  }, waitingUpTo(30_000));
  return { system, worker, projectIds };
}

const waitingUpTo = (timeout: number) => ({ timeout, interval: 200 });

async function expectCleanExit(worker: ServiceProcess): Promise<void> {
  const tooLate = delay(exitLimitMs, 'it still runs', { ref: false });
  expect(await Promise.race([worker.kill('SIGTERM'), tooLate])).toEqual({ code: 0, signal: null });
}

const startSmall = (places: WorkerSystem['places']) => startTunedWorker(places, { concurrency });

const startSuccessor = (system: WorkerSystem) =>
  system.startWorker({}, { random: Math.random, watchTimes: { ttlMs: 10_000, renewMs: 3_000 } });

interface LeaseRow {
  holder: string;
  isFree: boolean;
}

const readLease = ({ db }: WorkerSystem) =>
  db('leases').first<LeaseRow>('holder', db.raw('expires_at < now() as "isFree"'));

/** Expects that the lease is free after the exit. Another worker requests it every three seconds. */
async function expectHandsOverWatch({ system, worker }: Busy): Promise<void> {
  const { holder } = await readLease(system);
  await expectCleanExit(worker);
  const left = await readLease(system);
  expect(left.isFree || left.holder !== holder).toBe(true);
}

/** Expects one pod and one volume for each project, and no job. */
async function expectConverged({ system, projectIds }: Busy): Promise<void> {
  await vi.waitFor(async () => {
    const states = await system.db('projects').select('status', 'observedGeneration', 'podError').groupBy(1, 2, 3);
    expect(states).toEqual([{ status: 'ready', observedGeneration: 1, podError: null }]);
    expect(await system.jobs.getJobCounts('wait', 'active', 'delayed', 'failed')).toEqual(noJobs);
  }, waitingUpTo(convergenceMs));
  for (const id of projectIds) {
    const { podUid } = await system.read(id);
    expect((await system.podsOf(id)).map(({ metadata }) => metadata?.uid)).toEqual([podUid]);
    expect(await system.claimUid(id)).not.toBeNull();
  }
}

describe('fault 26: a worker that receives SIGTERM during its jobs', () => {
  it.concurrent('finishes the jobs that end soon and leaves the others to the next worker', async (context) => {
    const busy = await startBusy(context.onTestFinished, {
      projects: projectCount,
      answerMs: 1_000,
      start: startSmall,
    });
    const { system } = busy;
    await expectHandsOverWatch(busy);
    const carriedOut = await system.db<ProjectRecord>('projects').where({ observedGeneration: 1 });
    expect(carriedOut.length).toBeGreaterThan(0);
    const doneIds = new Set(carriedOut.map(({ id }) => id));
    const { waiting, ...others } = await jobsOf(system);
    expect(busy.projectIds.filter((id) => !doneIds.has(id) && !waiting.has(id))).toEqual([]);
    expect(others).toMatchObject({ active: 0, failed: 0 });
    system.kubernetes.fault = () => undefined;
    await startSuccessor(system);
    await expectConverged(busy);
  });

  it.concurrent('cancels the jobs that take too long and returns them to the queue unchanged', async (context) => {
    const start = (places: WorkerSystem['places']) =>
      startTunedWorker(places, { requestTimeoutMs: 60_000, concurrency });
    const busy = await startBusy(context.onTestFinished, { projects: projectCount, answerMs: 7_500, start });
    const { system } = busy;
    const before = await jobsOf(system);
    await expectHandsOverWatch(busy);
    const after = await jobsOf(system);
    expect(after).toEqual({ ...before, waiting: new Set(busy.projectIds), active: 0 });
    const kept = await system.db('projects').where({ podError: null, observedGeneration: 0 });
    expect(kept).toHaveLength(projectCount);
    system.kubernetes.fault = () => undefined;
    await startSuccessor(system);
    await expectConverged(busy);
    for (const plural of ['pods', 'persistentvolumeclaims'] as const) {
      expect(system.kubernetes.requests.filter(isCall('POST', plural))).toHaveLength(projectCount);
    }
  });

  it.concurrent('releases the lease, so that a running worker becomes the watch leader before the lease expires', async (context) => {
    const busy = await startBusy(context.onTestFinished, {
      projects: projectCount,
      answerMs: 1_000,
      start: startSmall,
    });
    await startSuccessor(busy.system);
    const { holder } = await readLease(busy.system);
    await expectHandsOverWatch(busy);
    await vi.waitFor(async () => {
      const lease = await readLease(busy.system);
      expect([lease.isFree, lease.holder === holder]).toEqual([false, false]);
    }, waitingUpTo(7_000)); // it requests the lease every three seconds; the lease lasts ten
    await expectConverged(busy);
  });

  const outages = [
    { silent: 'PostgreSQL does not answer', services: ['PostgreSQL'] },
    { silent: 'Redis does not answer', services: ['Redis'] },
    { silent: 'Kubernetes does not answer', services: ['Kubernetes'] },
    { silent: 'none of its services answers', services: ['PostgreSQL', 'Redis', 'Kubernetes'] },
  ] as const;
  it.concurrent.for(outages)(
    'exits in time while $silent, and the next worker carries out the rest',
    async ({ services }, context) => {
      const proxies: Partial<Record<(typeof services)[number], TcpProxy>> = {};
      const start = async ({ databaseUrl, redisUrl, kubeconfigPath }: WorkerSystem['places']) => {
        const [database, redis] = await Promise.all([proxyOf(databaseUrl), proxyOf(redisUrl)]);
        context.onTestFinished(async () => void (await Promise.all([database.proxy.close(), redis.proxy.close()])));
        Object.assign(proxies, { PostgreSQL: database.proxy, Redis: redis.proxy });
        return startWorkerProcess({ databaseUrl: database.url, redisUrl: redis.url, kubeconfigPath });
      };
      const busy = await startBusy(context.onTestFinished, { projects: 4, answerMs: 1_000, start });
      proxies.Kubernetes = busy.system.kubernetes.network;
      for (const name of services) proxies[name]?.freeze();
      await expectCleanExit(busy.worker);
      busy.system.kubernetes.network.restore(); // its successor uses the same network
      busy.system.kubernetes.fault = () => undefined;
      await startSuccessor(busy.system);
      await expectConverged(busy);
    },
  );
});

/** The projects whose jobs wait, and the number of attempts that all jobs together have used up. */
async function jobsOf({ jobs }: WorkerSystem) {
  const [waiting, active, failed] = await Promise.all([
    jobs.getJobs(['wait', 'delayed']),
    jobs.getJobs(['active']),
    jobs.getJobs(['failed']),
  ]);
  const attempts = [...waiting, ...active].reduce((sum, { attemptsMade }) => sum + attemptsMade, 0);
  const ids = waiting.map(({ data }) => (data as ProjectJob).projectId); // only these tests add jobs
  return { waiting: new Set(ids), active: active.length, failed: failed.length, attempts };
}
