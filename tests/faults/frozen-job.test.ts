import { afterAll, beforeAll, describe, expect, it, vi, type TestContext } from 'vitest';

import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import type { Step } from '../../src/worker/step.ts';
import { gate, isCall } from '../support/kubernetes-refusal.ts';
import type { ServiceProcess } from '../support/processes.ts';
import { recordRows } from '../support/row-history.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../support/worker-system.ts';
import { startFailingWorker } from './failing-worker-process.ts';

/** The job of a frozen worker is given to another one after 15 to 25 seconds. */
const convergenceMs = 60_000;
const patience = { timeout: convergenceMs, interval: 100 };
/** The times of the lease and of the comparison, shorter than in production. */
const watchTimes = { ttlMs: 2_000, renewMs: 300 };
const resyncMs = 1_000;
vi.setConfig({ testTimeout: 200_000 });

let cluster: QuickCluster;
beforeAll(async () => {
  cluster = await startQuickCluster();
});
afterAll(() => cluster.stop());

interface Scene {
  system: WorkerSystem;
  project: ProjectRecord;
  /** Frozen while its request was on the way. */
  frozen: ServiceProcess;
  /** Lets the request arrive, and the worker go on. */
  thaw: () => void;
}

/** A project on which a worker began to work when it was frozen: for its creation, or for a later wish. */
async function freezeInJob(
  onTestFinished: TestContext['onTestFinished'],
  options: { command: 'create' | 'start' | 'restart'; request: Parameters<typeof isCall>; failAfter?: Step },
): Promise<Scene> {
  const { command, request, failAfter } = options;
  const system = await createWorkerSystem(cluster);
  onTestFinished(() => system.stop());
  let project = command === 'create' ? null : await prepare(system, command);
  const frozen = await startFailingWorker(system.places, {
    ...(failAfter ? { failAfter } : {}),
    watchTtlMs: watchTimes.ttlMs,
    watchRenewMs: watchTimes.renewMs,
    resyncMs,
    requestTimeoutMs: 300_000, // not what is tried here
  });
  onTestFinished(async () => void (await frozen.kill()));
  const isHit = isCall(...request);
  const { closed, open } = gate();
  let isOnTheWay = false;
  system.kubernetes.fault = (passing) => {
    if (isOnTheWay || !isHit(passing)) return undefined;
    isOnTheWay = true;
    return closed;
  };
  if (project && command !== 'create') project = await system.command(project.id, command);
  else project = await system.create();
  await vi.waitFor(() => expect(isOnTheWay).toBe(true), patience);
  frozen.freeze();
  await system.startWorker({}, { watchTimes, resyncMs });
  const thaw = () => {
    open();
    frozen.thaw();
  };
  return { system, project, frozen, thaw };
}

/** A project that is ready, or stopped if it shall be started. Its worker has left. */
async function prepare(system: WorkerSystem, command: 'start' | 'restart'): Promise<ProjectRecord> {
  const worker = await system.startWorker();
  const { id } = await system.create();
  let project = await system.until(id, { status: 'ready', observedGeneration: 1 }, convergenceMs);
  if (command === 'start') {
    await system.command(id, 'stop');
    project = await system.until(id, { status: 'stopped', observedGeneration: 2 }, convergenceMs);
  }
  await worker.stop();
  return project;
}

async function expectGone(system: WorkerSystem, id: string): Promise<void> {
  await vi.waitFor(async () => {
    expect(await system.podsOf(id)).toEqual([]);
    expect(await system.claimUid(id)).toBeNull();
  }, patience);
}

describe('fault 2: a worker is frozen in the middle of a job and thawed when the world is another one', () => {
  const late = [
    { command: 'start', made: 'pods', step: 'create-pod', scriptedEnd: 'lives on' },
    { command: 'start', made: 'pods', step: 'create-pod', scriptedEnd: 'dies of it' },
    { command: 'create', made: 'persistentvolumeclaims', step: 'create-claim', scriptedEnd: 'lives on' },
    { command: 'create', made: 'persistentvolumeclaims', step: 'create-claim', scriptedEnd: 'dies of it' },
  ] as const;
  it.concurrent.for(late)(
    'the project was deleted meanwhile: what a "$step" makes so late is removed again, even if its maker $fate',
    async ({ command, made, step, scriptedEnd }, { onTestFinished }) => {
      const failAfter = scriptedEnd === 'dies of it' ? { failAfter: step } : {};
      const { system, project, frozen, thaw } = await freezeInJob(onTestFinished, {
        command,
        request: ['POST', made],
        ...failAfter,
      });
      const { id } = project;
      await system.command(id, 'delete');
      const archived = await system.until(id, { status: 'archived' }, convergenceMs);
      await expectGone(system, id);

      const from = system.kubernetes.requests.length;
      thaw();
      await vi.waitFor(() => {
        const requests = system.kubernetes.requests.slice(from);
        expect(requests.filter(isCall('DELETE', made)), 'what came too late is seen').not.toEqual([]);
      }, patience);
      await expectGone(system, id);
      expect(await system.read(id)).toEqual(archived);
      if (scriptedEnd === 'lives on') {
        expect((await fetch(`${frozen.url}/livez`)).status).toBe(200);
      } else {
        expect(await frozen.exited).toEqual({ code: null, signal: 'SIGKILL' });
      }
    },
  );

  it.concurrent('the restart was carried out meanwhile: the pod that it would remove is not the one that is there, which stays', async ({
    onTestFinished,
  }) => {
    const { system, project, frozen, thaw } = await freezeInJob(onTestFinished, {
      command: 'restart',
      request: ['DELETE', 'pods'],
    });
    const done = { status: 'ready', observedGeneration: 2 } as const;
    const after = await system.until(project.id, done, convergenceMs);
    expect(after.podUid).not.toBe(project.podUid);
    const historyOf = await recordRows(system.db);

    thaw();
    expect(await frozen.kill('SIGTERM')).toEqual({ code: 0, signal: null }); // so it has heard the answer
    expect((await system.podsOf(project.id)).map(({ metadata }) => metadata?.uid)).toEqual([after.podUid]);
    expect(await system.read(project.id)).toEqual(after);
    expect(await historyOf(project.id)).toEqual([]);
  });
});
