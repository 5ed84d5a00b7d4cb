import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import type { ProjectCommand } from '../../src/shared/contract/commands.ts';
import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import type { Step } from '../../src/worker/step.ts';
import type { PassingRequest } from '../support/faulty-kubernetes.ts';
import { isCall } from '../support/kubernetes-refusal.ts';
import type { ServiceProcess } from '../support/processes.ts';
import { recordRows, type RowVersion } from '../support/row-history.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../support/worker-system.ts';
import { startFailingWorker } from './failing-worker-process.ts';
import { createTurns } from './turns.ts';

const namespace = 'opencode';
/** From the death of the worker, with the times of production: BullMQ gives its job back after 15 to 25 seconds. */
const convergenceMs = 60_000;
/** All deaths at once, for most of the time nothing is done but waiting; only the programs start a few at a time. */
vi.setConfig({ maxConcurrency: 50, testTimeout: 300_000 });
const inTurn = createTurns(3);

const makeClaim = 'POST persistentvolumeclaims';
const makeSecret = 'POST secrets';
const makePod = 'POST pods';
const removePod = 'DELETE pods';
const removeClaim = 'DELETE persistentvolumeclaims';

interface Life {
  /** What a worker sends to the cluster for this wish, however often it dies on the way. */
  sent: string[];
  /** What it has sent when each step is done; `null`: the first status may be written by the watch, at any time. */
  steps: Partial<Record<Step, string[] | null>>;
  /** How its status may go: never back. */
  statuses: [ProjectRecord['status'], ProjectRecord['status']];
  end: Partial<ProjectRecord>;
}

const lives: Record<'create' | Extract<ProjectCommand, 'stop' | 'restart' | 'delete'>, Life> = {
  create: {
    sent: [makeClaim, makeSecret, makePod],
    steps: {
      'job-taken': [],
      'create-claim': [makeClaim],
      'create-pod': [makeClaim, makeSecret, makePod],
      'status-written': [makeClaim, makeSecret, makePod],
      recorded: [makeClaim, makeSecret, makePod],
    },
    statuses: ['initializing', 'ready'],
    end: { generation: 1, observedGeneration: 1 },
  },
  stop: {
    sent: [removePod],
    steps: { 'job-taken': [], 'delete-pod': [removePod], 'status-written': null, recorded: [removePod] },
    statuses: ['stopping', 'stopped'],
    end: { generation: 2, observedGeneration: 2, podUid: null },
  },
  restart: {
    sent: [removePod, makeSecret, makePod],
    steps: {
      'job-taken': [],
      'delete-pod': [removePod],
      'create-pod': [removePod, makeSecret, makePod],
      'status-written': null,
      recorded: [removePod, makeSecret, makePod],
    },
    statuses: ['initializing', 'ready'],
    end: { generation: 2, observedGeneration: 2 },
  },
  delete: {
    sent: [removePod, removeClaim],
    steps: {
      'job-taken': [],
      'delete-pod': [removePod],
      'delete-claim': [removePod, removeClaim],
      'status-written': null,
      recorded: [removePod, removeClaim],
    },
    statuses: ['deleting', 'archived'],
    end: { generation: 2, observedGeneration: 2, podUid: null },
  },
};
// Object.keys knows no literal types.
const commands = Object.keys(lives) as (keyof typeof lives)[];
const deaths = commands.flatMap((command) =>
  Object.keys(lives[command].steps).map((step) => ({ command, step: step as Step })),
);

let cluster: QuickCluster;
beforeAll(async () => {
  cluster = await startQuickCluster();
});
afterAll(() => cluster.stop());

/** What was asked of the cluster but reading, in order. */
function writesOf({ kubernetes }: WorkerSystem): string[] {
  const isWrite = ({ method }: PassingRequest) => method !== 'GET';
  return kubernetes.requests.filter(isWrite).map(({ method, path }) => {
    const segments = path.split('/');
    return `${method} ${segments[segments.indexOf(namespace) + 1]}`;
  });
}

interface Prepared {
  project: ProjectRecord;
  claimUid: string | null;
  historyOf: (id: string) => Promise<RowVersion[]>;
  /** What had been sent before the wish. */
  sentBefore: number;
}

/** A project of its own that is ready for the wish; its worker has left. */
async function prepare(system: WorkerSystem, command: keyof typeof lives): Promise<Prepared | null> {
  if (command === 'create') return null;
  const worker = await system.startWorker();
  const { id } = await system.create();
  const project = await system.until(id, { status: 'ready', observedGeneration: 1 }, convergenceMs);
  await worker.stop();
  const historyOf = await recordRows(system.db);
  return { project, claimUid: await system.claimUid(id), historyOf, sentBefore: writesOf(system).length };
}

/** Wishes, and waits until the worker is dead. */
async function die(
  system: WorkerSystem,
  command: keyof typeof lives,
  startDoomed: () => Promise<ServiceProcess>,
  death: (doomed: ServiceProcess, project: ProjectRecord) => Promise<void>,
): Promise<Prepared> {
  let prepared = await prepare(system, command);
  const doomed = await startDoomed();
  try {
    if (prepared && command !== 'create') {
      await system.command(prepared.project.id, command);
    } else {
      const historyOf = await recordRows(system.db);
      prepared = { project: await system.create(), claimUid: null, historyOf, sentBefore: 0 };
    }
    await death(doomed, prepared.project);
    expect(await doomed.exited).toEqual({ code: null, signal: 'SIGKILL' });
  } finally {
    await doomed.kill();
  }
  prepared.claimUid ??= await system.claimUid(prepared.project.id);
  return prepared;
}

/** Another worker comes, with the times of production, and everything is as if nobody had died. */
async function expectConverged(system: WorkerSystem, command: keyof typeof lives, prepared: Prepared): Promise<void> {
  const diedAt = performance.now();
  const life = lives[command];
  const { id, podName } = prepared.project;
  const [on, settled] = life.statuses;
  await system.startWorker({}, { random: Math.random, watchTimes: { ttlMs: 10_000, renewMs: 3_000 } });
  const row = await vi.waitFor(
    async () => {
      const counts = await system.jobs.getJobCounts('wait', 'active', 'delayed', 'failed');
      expect(counts).toEqual({ wait: 0, active: 0, delayed: 0, failed: 0 });
      const record = await system.read(id);
      expect(record).toMatchObject({ ...life.end, status: settled, podError: null });
      return record;
    },
    { timeout: convergenceMs, interval: 300 }, // there are many who ask
  );
  expect(performance.now() - diedAt).toBeLessThan(convergenceMs);

  const pods = (await system.podsOf(id)).map(({ metadata }) => ({ name: metadata?.name, uid: metadata?.uid }));
  expect(pods).toEqual(settled === 'ready' ? [{ name: podName, uid: row.podUid }] : []);
  const claims = await claimUidsOf(id);
  if (command === 'delete') expect(claims).toEqual([]);
  else expect(claims).toEqual([prepared.claimUid ?? expect.any(String)]);
  expect(writesOf(system).slice(prepared.sentBefore)).toEqual(life.sent);

  const history = await prepared.historyOf(id);
  const versions = history.map(({ version }) => version);
  expect(versions).toEqual(versions.map((_, index) => prepared.project.statusVersion + 1 + index));
  const statuses = history.map(({ status }) => status);
  const settledFrom = statuses.indexOf(settled);
  expect(statuses).toEqual(statuses.map((_, index) => (index < settledFrom ? on : settled)));
}

async function claimUidsOf(id: string): Promise<(string | undefined)[]> {
  const labelSelector = `project-id=${id}`;
  const { items } = await cluster.api.listNamespacedPersistentVolumeClaim({ namespace, labelSelector });
  return items.map(({ metadata }) => metadata?.uid);
}

describe('fault 1: a worker is killed (kill -9)', () => {
  it.concurrent.for(deaths)(
    'in a $wish, right after its step "$step": one pod, one volume, or none, and the last wish is met within 60 s',
    async ({ command, step }, { onTestFinished }) => {
      const system = await inTurn(() => createWorkerSystem(cluster));
      onTestFinished(() => system.stop());
      const startDoomed = () => startFailingWorker(system.places, { failAfter: step });
      const prepared = await inTurn(() => die(system, command, startDoomed, () => Promise.resolve()));
      const sent = writesOf(system).slice(prepared.sentBefore);
      expect(sent).toEqual(lives[command].steps[step] ?? lives[command].sent.slice(0, sent.length));
      await expectConverged(system, command, prepared);
    },
  );

  const calls = [
    { command: 'create', verb: 'POST', plural: 'persistentvolumeclaims' },
    { command: 'create', verb: 'POST', plural: 'pods' },
    { command: 'delete', verb: 'DELETE', plural: 'pods' },
    { command: 'delete', verb: 'DELETE', plural: 'persistentvolumeclaims' },
  ] as const;
  it.concurrent.for(calls)(
    'while the answer to its $verb of $plural is on the way: what the cluster has done already is found, and not done again',
    async ({ command, verb, plural }, { onTestFinished }) => {
      const system = await inTurn(() => createWorkerSystem(cluster));
      onTestFinished(() => system.stop());
      const isHit = isCall(verb, plural);
      let isLost = false;
      const startDoomed = () => {
        system.kubernetes.fault = (request) => {
          if (isLost || !isHit(request)) return undefined;
          isLost = true;
          return 'hang-in-body';
        };
        return startFailingWorker(system.places);
      };
      const prepared = await inTurn(() =>
        die(system, command, startDoomed, async (doomed, { id }) => {
          const list = { namespace, labelSelector: `project-id=${id}` };
          await vi.waitFor(
            async () => {
              const { items } =
                plural === 'pods'
                  ? await cluster.api.listNamespacedPod(list)
                  : await cluster.api.listNamespacedPersistentVolumeClaim(list);
              const staying = items.filter(({ metadata }) => !metadata?.deletionTimestamp);
              expect(staying).toHaveLength(verb === 'POST' ? 1 : 0);
            },
            { timeout: 30_000, interval: 20 },
          );
          await doomed.kill();
        }),
      );
      expect(isLost).toBe(true);
      await expectConverged(system, command, prepared);
    },
  );
});
