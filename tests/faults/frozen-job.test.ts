/**
 * Fault 2: a worker is frozen during its jobs, and thawed when the world has changed. One frozen worker and one successor
 * serve all cases: the network holds a request of each project while the successor carries out newer commands.
 */

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { toPublished, type ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import type { PassingRequest } from '../support/faulty-kubernetes.ts';
import { gate, isAbout, isCall, type Plural, type Verb } from '../support/kubernetes-refusal.ts';
import type { ServiceProcess } from '../support/processes.ts';
import { recordRows, type RowVersion } from '../support/row-history.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../support/worker-system.ts';
import { startTunedWorker } from './tuned-worker-process.ts';

/** BullMQ hands the jobs of a frozen worker over after 15 to 25 seconds. */
const convergenceMs = 60_000;
const waiting = { timeout: convergenceMs, interval: 100 };
/** The times of the lease and of the resync, shorter than in production. */
const watchTimes = { ttlMs: 2_000, renewMs: 300 };
const resyncMs = 1_000;

/** A project and the request that is on its way to the cluster while its sender is frozen. */
interface HeldRequest {
  verb: Verb;
  plural: Plural;
  project: ProjectRecord;
  passing: PassingRequest | null;
  /** Resolves when the request may arrive at the cluster. */
  closed: ReturnType<typeof gate>['closed'];
  arrive: () => void;
}
type CaseName = 'pod' | 'volume' | 'pod of a dead sender' | 'volume of a dead sender' | 'restart';

let cluster: QuickCluster;
let system: WorkerSystem;
let frozen: ServiceProcess | undefined;
let held: Record<CaseName, HeldRequest>;
let archived: Map<string, ProjectRecord>;
let restarted: ProjectRecord;
let historyOf: (id: string) => Promise<RowVersion[]>;

beforeAll(async () => {
  cluster = await startQuickCluster();
  system = await createWorkerSystem(cluster);
  const prepared = await prepare();
  const tuning = { watchTtlMs: watchTimes.ttlMs, watchRenewMs: watchTimes.renewMs, resyncMs };
  frozen = await startTunedWorker(system.places, { ...tuning, requestTimeoutMs: 300_000 }); // it must not time out
  await holdRequests(prepared);
  frozen.freeze();
  await system.startWorker({}, { watchTimes, resyncMs });
  await changeWorld();
}, 150_000);
afterAll(async () => {
  await frozen?.kill();
  await system.stop();
  await cluster.stop();
});

interface Prepared {
  stopped: [ProjectRecord, ProjectRecord];
  ready: ProjectRecord;
}

/** Two stopped projects and a ready one. The worker that created them has left. */
async function prepare(): Promise<Prepared> {
  const worker = await system.startWorker();
  const [one, other, third] = await Promise.all([system.create(), system.create(), system.create()]);
  const untilReady = ({ id }: ProjectRecord) =>
    system.until(id, { status: 'ready', observedGeneration: 1 }, convergenceMs);
  const untilStopped = async ({ id }: ProjectRecord) => {
    await system.command(id, 'stop');
    return system.until(id, { status: 'stopped', observedGeneration: 2 }, convergenceMs);
  };
  await Promise.all([untilReady(one), untilReady(other)]);
  const stopped: Prepared['stopped'] = [await untilStopped(one), await untilStopped(other)];
  const ready = await untilReady(third);
  await worker.stop();
  return { stopped, ready };
}

/** Gives the commands, and resolves when the worker has sent the request of each project. */
async function holdRequests({ stopped, ready }: Prepared): Promise<void> {
  const all: HeldRequest[] = [];
  const hold = (verb: Verb, plural: Plural, project: ProjectRecord) => {
    const { closed, open } = gate();
    const request: HeldRequest = { verb, plural, project, passing: null, closed, arrive: () => open() };
    all.push(request);
    return request;
  };
  await system.jobs.pause(); // until it is known which requests are to be held
  held = {
    pod: hold('POST', 'pods', await system.command(stopped[0].id, 'start')),
    'pod of a dead sender': hold('POST', 'pods', await system.command(stopped[1].id, 'start')),
    volume: hold('POST', 'persistentvolumeclaims', await system.create()),
    'volume of a dead sender': hold('POST', 'persistentvolumeclaims', await system.create()),
    restart: hold('DELETE', 'pods', await system.command(ready.id, 'restart')),
  };
  system.kubernetes.fault = (passing) => {
    const request = all.find(
      (each) => each.passing === null && isCall(each.verb, each.plural)(passing) && isAbout(passing, each.project.id),
    );
    if (!request) return undefined;
    request.passing = passing;
    return request.closed;
  };
  await system.jobs.resume();
  await vi.waitFor(() => expect(all.filter(({ passing }) => passing === null)).toEqual([]), waiting);
}

/** The successor carries out the restart, and the deletion of all other projects. */
async function changeWorld(): Promise<void> {
  const { restart, ...others } = held;
  const deleted = Object.values(others);
  for (const { project } of deleted) await system.command(project.id, 'delete');
  const rows = await Promise.all(
    deleted.map(({ project }) => system.until(project.id, { status: 'archived' }, convergenceMs)),
  );
  archived = new Map(rows.map((row) => [row.id, row]));
  for (const { project } of deleted) await expectGone(project.id);
  const done = { status: 'ready', observedGeneration: 2 } as const;
  restarted = await system.until(restart.project.id, done, convergenceMs);
  historyOf = await recordRows(system.db);
}

async function expectGone(id: string): Promise<void> {
  await vi.waitFor(async () => {
    expect(await system.podsOf(id)).toEqual([]);
    expect(await system.claimUid(id)).toBeNull();
  }, waiting);
}

/** Lets the request arrive at the cluster, and expects that its object is deleted again. */
async function expectDeletedAgain({ project, plural, arrive }: HeldRequest): Promise<void> {
  const from = system.kubernetes.requests.length;
  arrive();
  await vi.waitFor(() => {
    const requests = system.kubernetes.requests.slice(from).filter((request) => isAbout(request, project.id));
    expect(requests.filter(isCall('DELETE', plural)), 'the late object is found').not.toEqual([]);
  }, waiting);
  await expectGone(project.id);
  const before = archived.get(project.id);
  expect(toPublished(await system.read(project.id))).toEqual(before && toPublished(before));
}

describe('fault 2: a worker that was frozen during a job', () => {
  it('does not delete the new pod when its restart was carried out meanwhile', async () => {
    const { project, passing, arrive } = held.restart;
    expect(restarted.podUid).not.toBe(project.podUid);
    arrive();
    frozen?.thaw();
    // The request names the uid of the old pod, so the API refuses it.
    await vi.waitFor(() => expect(passing?.status).toBe(409), waiting);
    expect((await system.podsOf(project.id)).map(({ metadata }) => metadata?.uid)).toEqual([restarted.podUid]);
  }, 70_000);

  it.each(['pod', 'volume'] as const)(
    'has its late %s deleted again when the project was deleted meanwhile',
    async (name) => {
      await expectDeletedAgain(held[name]);
      expect((await fetch(`${frozen?.url}/livez`)).status).toBe(200);
    },
    70_000,
  );

  it.each(['pod of a dead sender', 'volume of a dead sender'] as const)(
    'has its late %s deleted again when the project was deleted meanwhile',
    async (name) => {
      await frozen?.kill();
      await expectDeletedAgain(held[name]);
    },
    70_000,
  );

  it('writes nothing to the row of the restarted project', async () => {
    expect(await system.read(restarted.id)).toEqual(restarted);
    expect(await historyOf(restarted.id)).toEqual([]);
  });
});
