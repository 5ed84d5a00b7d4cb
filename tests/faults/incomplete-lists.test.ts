import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import { isCall } from '../support/kubernetes-refusal.ts';
import { recordRows, type RowVersion } from '../support/row-history.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../support/worker-system.ts';

const namespace = 'opencode';
const plurals = ['pods', 'persistentvolumeclaims', 'events'] as const;
type ListedPlural = (typeof plurals)[number];

let cluster: QuickCluster;
let system: WorkerSystem;
let projects: ProjectRecord[];
let historyOf: (projectId: string) => Promise<RowVersion[]>;

beforeAll(async () => {
  cluster = await startQuickCluster();
  system = await createWorkerSystem(cluster);
  historyOf = await recordRows(system.db);
});
afterAll(async () => {
  await system.stop();
  await cluster.stop();
});
afterEach(() => system.kubernetes.heal());

interface List {
  kind: string;
  metadata: { resourceVersion: string | undefined };
  items: object[];
}

/** What is left of a list. */
const cuts: Record<string, (list: List) => List> = {
  empty: (list) => ({ ...list, items: [] }),
  'half of it': (list) => ({ ...list, items: list.items.slice(0, Math.floor(list.items.length / 2)) }),
};

async function readList(plural: ListedPlural): Promise<List> {
  const { api } = cluster;
  const read = {
    pods: () => api.listNamespacedPod({ namespace }),
    persistentvolumeclaims: () => api.listNamespacedPersistentVolumeClaim({ namespace }),
    events: () => api.listNamespacedEvent({ namespace }),
  };
  const { metadata, items } = await read[plural]();
  return { kind: 'List', metadata: { resourceVersion: metadata?.resourceVersion }, items };
}

/** From now on lists of these resources are answered with status 200 and without some objects. Returns how often each was. */
function answerIncompletely(
  incomplete: readonly ListedPlural[],
  cut: (list: List) => List,
  { times = Infinity } = {},
): Map<ListedPlural, number> {
  const answered = new Map<ListedPlural, number>(incomplete.map((plural) => [plural, 0]));
  system.kubernetes.fault = (request) => {
    const plural = incomplete.find((each) => isCall('LIST', each)(request));
    const count = plural === undefined ? times : (answered.get(plural) ?? 0);
    if (plural === undefined || count >= times) return undefined;
    answered.set(plural, count + 1);
    return readList(plural).then((list) => ({ status: 200, body: cut(list) }));
  };
  return answered;
}

const untilWatching = () => vi.waitFor(() => expect(system.kubernetes.watches.size).toBe(plurals.length), 10_000);

/** Makes the worker list everything again. */
function resetWatches(): void {
  for (const watch of system.kubernetes.watches) watch.reset();
}

const untilAnswered = (answered: Map<ListedPlural, number>, times: number) =>
  vi.waitFor(() => {
    for (const count of answered.values()) expect(count).toBeGreaterThanOrEqual(times);
  }, 10_000);

const untilListed = (times: number) =>
  vi.waitFor(() => {
    for (const plural of plurals) {
      const lists = system.kubernetes.requests.filter(isCall('LIST', plural));
      expect(lists.length).toBeGreaterThanOrEqual(times);
    }
  }, 10_000);

async function createReady(count: number): Promise<ProjectRecord[]> {
  const created = await Promise.all(Array.from({ length: count }, () => system.create()));
  const ready = created.map(({ id }) => system.until(id, { status: 'ready', observedGeneration: 1, podError: null }));
  await Promise.all(ready);
  await system.untilQueueIsEmpty();
  return Promise.all(ready.map(async (each) => system.read((await each).id)));
}

/** No row has changed, and nothing of these projects was created or deleted. */
async function expectUntouched(): Promise<void> {
  for (const project of projects) {
    expect(await historyOf(project.id)).toEqual([]);
    expect(await system.read(project.id)).toEqual(project);
  }
  const changes = system.kubernetes.requests.filter(
    ({ method, body, path }) => method !== 'GET' && projects.some(({ id }) => `${path} ${body}`.includes(id)),
  );
  expect(changes).toEqual([]);
}

/** The watch notices what happens to the pod of each project. */
async function expectWatched(): Promise<void> {
  await Promise.all(
    projects.map(async ({ id, podName, podUid }) => {
      await cluster.api.deleteNamespacedPod({ name: podName, namespace });
      await vi.waitFor(async () => {
        const after = await system.read(id);
        expect(after).toMatchObject({ status: 'ready' });
        expect(after.podUid).not.toBe(podUid);
      }, 10_000);
    }),
  );
}

describe('fault 31: a list that is empty or half, with status 200', () => {
  let worker: Awaited<ReturnType<WorkerSystem['startWorker']>>;
  const startWorker = async () => {
    worker = await system.startWorker({}, { resyncMs: 50 });
  };
  beforeEach(async () => {
    await startWorker();
    projects = await createReady(4);
    await system.db('row_history').delete();
    system.kubernetes.requests.length = 0;
    await untilWatching();
  });
  afterEach(() => worker.stop());

  it.each(Object.entries(cuts))(
    'one list of each resource is %s: no row says that an object is gone, and complete lists follow',
    async (_, cut) => {
      const answered = answerIncompletely(plurals, cut, { times: 1 });
      resetWatches();
      await untilAnswered(answered, 1);
      await untilListed(2);
      await createReady(1); // so the rows were compared with the lists
      await expectUntouched();
      await expectWatched();
    },
    30_000,
  );

  it.each(Object.entries(cuts))(
    'every list of each resource is %s for a while: no row says that an object is gone, and changes are still noticed',
    async (_, cut) => {
      const answered = answerIncompletely(plurals, cut);
      resetWatches();
      await untilAnswered(answered, 2);
      await untilWatching();
      resetWatches();
      await untilAnswered(answered, 3);
      await createReady(1);
      await expectUntouched();
      await expectWatched();
    },
    30_000,
  );

  it.each(Object.entries(cuts))(
    'every list of a new watch leader is %s: no row says that an object is gone, and changes are noticed',
    async (_, cut) => {
      await worker.stop();
      const answered = answerIncompletely(plurals, cut);
      await startWorker();
      await untilAnswered(answered, 1);
      await createReady(1);
      await expectUntouched();
      await expectWatched();
    },
    30_000,
  );
});
