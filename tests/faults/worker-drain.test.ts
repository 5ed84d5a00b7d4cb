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
import { startFailingWorker } from './failing-worker-process.ts';

const exitLimitMs = 25_000;
const convergenceMs = 60_000;
/** How many jobs a worker takes at once, unless told otherwise. */
const concurrency = 20;
const crowd = 36;
const noJobs = { wait: 0, active: 0, delayed: 0, failed: 0 };
vi.setConfig({ maxConcurrency: 10, testTimeout: 180_000 });

let cluster: QuickCluster;
beforeAll(async () => {
  cluster = await startQuickCluster();
});
afterAll(() => cluster.stop());

interface Busy {
  system: WorkerSystem;
  /** The program itself, which works on as many projects as it takes at once; the others wait. */
  worker: ServiceProcess;
  projectIds: string[];
}

/**
 * @param options.answerMs how long the cluster takes for each of the three answers that a new project needs one after
 * the other
 */
async function startBusy(
  onTestFinished: TestContext['onTestFinished'],
  options: { projects: number; answerMs: number; start?: (places: WorkerSystem['places']) => Promise<ServiceProcess> },
): Promise<Busy> {
  const system = await createWorkerSystem(cluster);
  onTestFinished(() => system.stop());
  const { places, kubernetes, jobs } = system;
  await jobs.pause(); // until all is there
  const projectIds: string[] = [];
  while (projectIds.length < options.projects) projectIds.push((await system.create()).id);
  const worker = await (options.start ?? startWorkerProcess)(places);
  onTestFinished(async () => void (await worker.kill()));
  await vi.waitFor(async () => expect(await worker.metric('opencode_watch_connected')).toBe(1), patienceOf(30_000));

  const isList = (request: PassingRequest) =>
    isCall('LIST', 'pods')(request) || isCall('LIST', 'persistentvolumeclaims')(request);
  kubernetes.fault = (request) => (request.isWatch || isList(request) ? undefined : delay(options.answerMs, undefined));
  await jobs.resume();
  await vi.waitFor(() => {
    const asked = kubernetes.requests.filter(isCall('GET', 'persistentvolumeclaims'));
    expect(asked.length).toBeGreaterThanOrEqual(Math.min(concurrency, options.projects));
  }, patienceOf(30_000));
  return { system, worker, projectIds };
}

const patienceOf = (timeout: number) => ({ timeout, interval: 200 });

async function expectOrderlyExit(worker: ServiceProcess): Promise<void> {
  const tooLate = delay(exitLimitMs, 'it is still there', { ref: false });
  expect(await Promise.race([worker.kill('SIGTERM'), tooLate])).toEqual({ code: 0, signal: null });
}

const startSuccessor = (system: WorkerSystem) =>
  system.startWorker({}, { random: Math.random, watchTimes: { ttlMs: 10_000, renewMs: 3_000 } });

interface LeaseRow {
  holder: string;
  isFree: boolean;
}

const readLease = ({ db }: WorkerSystem) =>
  db('leases').first<LeaseRow>('holder', db.raw('expires_at < now() as "isFree"'));

/** The next worker takes it as soon as it asks for it, which it does every three seconds. */
async function expectHandsOverWatch({ system, worker }: Busy): Promise<void> {
  const { holder } = await readLease(system);
  await expectOrderlyExit(worker);
  const left = await readLease(system);
  expect(left.isFree || left.holder !== holder).toBe(true);
}

/** One pod and one volume for each project, and nothing else is left. */
async function expectConverged({ system, projectIds }: Busy): Promise<void> {
  await vi.waitFor(async () => {
    const states = await system.db('projects').select('status', 'observedGeneration', 'podError').groupBy(1, 2, 3);
    expect(states).toEqual([{ status: 'ready', observedGeneration: 1, podError: null }]);
    expect(await system.jobs.getJobCounts('wait', 'active', 'delayed', 'failed')).toEqual(noJobs);
  }, patienceOf(convergenceMs));
  for (const id of projectIds) {
    const { podUid } = await system.read(id);
    expect((await system.podsOf(id)).map(({ metadata }) => metadata?.uid)).toEqual([podUid]);
    expect(await system.claimUid(id)).not.toBeNull();
  }
}

describe('fault 26: SIGTERM to a worker in the middle of everything', () => {
  it.concurrent('jobs that end soon are let end; all others wait for the next worker', async (context) => {
    const busy = await startBusy(context.onTestFinished, { projects: crowd, answerMs: 1_000 });
    const { system } = busy;
    await expectHandsOverWatch(busy);
    const met = await system.db<ProjectRecord>('projects').where({ observedGeneration: 1 });
    expect(met.length).toBeGreaterThan(0);
    const metIds = new Set(met.map(({ id }) => id));
    const { waiting, ...others } = await jobsOf(system);
    expect(busy.projectIds.filter((id) => !metIds.has(id) && !waiting.has(id))).toEqual([]);
    expect(others).toMatchObject({ active: 0, failed: 0 });
    system.kubernetes.fault = () => undefined;
    await startSuccessor(system);
    await expectConverged(busy);
  });

  it.concurrent('jobs that last too long are cut off, and wait as if nobody had begun them', async (context) => {
    const start = (places: WorkerSystem['places']) => startFailingWorker(places, { requestTimeoutMs: 60_000 });
    const busy = await startBusy(context.onTestFinished, { projects: crowd, answerMs: 7_500, start });
    const { system } = busy;
    const before = await jobsOf(system);
    await expectHandsOverWatch(busy);
    const after = await jobsOf(system);
    expect(after).toEqual({ ...before, waiting: new Set(busy.projectIds), active: 0 });
    const kept = await system.db('projects').where({ podError: null, observedGeneration: 0 });
    expect(kept).toHaveLength(crowd);
    system.kubernetes.fault = () => undefined;
    await startSuccessor(system);
    await expectConverged(busy);
    for (const plural of ['pods', 'persistentvolumeclaims'] as const) {
      expect(system.kubernetes.requests.filter(isCall('POST', plural))).toHaveLength(crowd);
    }
  });

  it.concurrent('a worker that is there already has the watch long before the lease would have run out', async (context) => {
    const busy = await startBusy(context.onTestFinished, { projects: crowd, answerMs: 1_000 });
    await startSuccessor(busy.system);
    const { holder } = await readLease(busy.system);
    await expectHandsOverWatch(busy);
    await vi.waitFor(async () => {
      const lease = await readLease(busy.system);
      expect([lease.isFree, lease.holder === holder]).toEqual([false, false]);
    }, patienceOf(7_000)); // it asks every three seconds; the lease runs for ten
    await expectConverged(busy);
  });

  const outages = [
    { silent: 'PostgreSQL no longer', services: ['PostgreSQL'] },
    { silent: 'Redis no longer', services: ['Redis'] },
    { silent: 'Kubernetes no longer', services: ['Kubernetes'] },
    { silent: 'none of its services', services: ['PostgreSQL', 'Redis', 'Kubernetes'] },
  ] as const;
  it.concurrent.for(outages)(
    'while $silent answers it ends in time all the same, and the next worker does what is left',
    async ({ services }, context) => {
      const proxies: Partial<Record<(typeof services)[number], TcpProxy>> = {};
      const start = async ({ databaseUrl, redisUrl, kubeconfigPath }: WorkerSystem['places']) => {
        const [database, redis] = await Promise.all([proxyOf(databaseUrl), proxyOf(redisUrl)]);
        context.onTestFinished(async () => void (await Promise.all([database.proxy.close(), redis.proxy.close()])));
        Object.assign(proxies, { PostgreSQL: database.proxy, Redis: redis.proxy });
        return startWorkerProcess({ databaseUrl: database.url, redisUrl: redis.url, kubeconfigPath });
      };
      const busy = await startBusy(context.onTestFinished, { projects: 12, answerMs: 1_000, start });
      proxies.Kubernetes = busy.system.kubernetes.network;
      for (const name of services) proxies[name]?.freeze();
      await expectOrderlyExit(busy.worker);
      busy.system.kubernetes.network.restore(); // its successor passes there, too
      busy.system.kubernetes.fault = () => undefined;
      await startSuccessor(busy.system);
      await expectConverged(busy);
    },
  );
});

/** The projects whose jobs wait, and the attempts that all jobs together have used up. */
async function jobsOf({ jobs }: WorkerSystem) {
  const [waiting, active, failed] = await Promise.all([
    jobs.getJobs(['wait', 'delayed']),
    jobs.getJobs(['active']),
    jobs.getJobs(['failed']),
  ]);
  const attempts = [...waiting, ...active].reduce((sum, { attemptsMade }) => sum + attemptsMade, 0);
  const ids = waiting.map(({ data }) => (data as ProjectJob).projectId); // nobody else queues here
  return { waiting: new Set(ids), active: active.length, failed: failed.length, attempts };
}
