import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import type { Fault, PassingRequest } from '../support/faulty-kubernetes.ts';
import type { FaultyWatch } from '../support/faulty-watch.ts';
import { isCall, refusal, statusObject, type Plural } from '../support/kubernetes-refusal.ts';
import { recordRows, type RowVersion } from '../support/row-history.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../support/worker-system.ts';

const namespace = 'opencode';
const plurals = ['pods', 'persistentvolumeclaims'] as const;
/** A worker with these limits notices a silent connection soon. */
const shortLimits = { requestTimeoutMs: 500, watchLimits: { idleMs: 500, listMs: 500 } };

let cluster: QuickCluster;
let system: WorkerSystem;
/** A project that no test touches. Its row must never change. */
let untouched: ProjectRecord;
let historyOf: (projectId: string) => Promise<RowVersion[]>;
/** The resource version of the cluster after `untouched` became ready. */
let settledVersion: string | undefined;

beforeAll(async () => {
  cluster = await startQuickCluster();
});
afterAll(() => cluster.stop());
afterEach(() => system.kubernetes.heal());

/** All tests of a group use one worker, one after the other. */
function useWorker(options: Parameters<WorkerSystem['startWorker']>[1] = {}): void {
  beforeAll(async () => {
    system = await createWorkerSystem(cluster);
    await system.startWorker({}, options);
    const project = await system.create();
    untouched = await system.until(project.id, { status: 'ready', observedGeneration: 1, podError: null });
    await untilWatching();
    historyOf = await recordRows(system.db);
    settledVersion = (await cluster.api.listNamespacedPod({ namespace })).metadata?.resourceVersion;
  });
  afterAll(() => system.stop());
}

const untilWatching = () => vi.waitFor(() => expect(system.kubernetes.watches.size).toBe(3), 10_000);

function watchOf(plural: Plural): FaultyWatch {
  const found = [...system.kubernetes.watches].find(({ path }) => path.endsWith(`/${plural}`));
  if (!found) throw new Error(`No watch of ${plural} is open.`);
  return found;
}

/**
 * Inflicts a fault on a watch. Waits until the worker has opened another watch and has replaced a pod that was deleted by
 * hand, which only the watch can notice. Returns how long that took.
 */
async function resyncAfter(inflict: () => void, plural: Plural): Promise<number> {
  const other = await system.create();
  const { podUid } = await system.until(other.id, { status: 'ready' });
  // With short limits the worker often opens its watches again, so for a moment there may be none.
  const old = await vi.waitFor(() => watchOf(plural), 10_000);
  const startedAt = performance.now();
  inflict();
  await cluster.api.deleteNamespacedPod({ name: other.podName, namespace });
  await vi.waitFor(
    async () => {
      const open = [...system.kubernetes.watches].filter((watch) => watch.path === old.path && watch !== old);
      expect(open).toHaveLength(1);
      expect((await system.read(other.id)).podUid).not.toBe(podUid);
    },
    { timeout: 20_000 },
  );
  const tookMs = performance.now() - startedAt;
  await system.until(other.id, { status: 'ready' }, 20_000);
  return tookMs;
}

async function expectUntouched(): Promise<void> {
  expect(await historyOf(untouched.id)).toEqual([]);
  expect(await system.read(untouched.id)).toEqual(untouched);
}

/** Applies a fault to the first list after the watch was reset. */
const faultOnFirstList = (plural: Plural, fault: () => Awaited<Fault>) => () => {
  let lists = 0;
  system.kubernetes.fault = (request: PassingRequest) =>
    isCall('LIST', plural)(request) && ++lists === 1 ? fault() : undefined;
  watchOf(plural).reset();
};

/** Refuses each watch until the worker has listed again. */
const refuseUntilListed = (plural: Plural, answer: ReturnType<typeof refusal>) => () => {
  let isListed = false;
  system.kubernetes.fault = (request: PassingRequest) => {
    if (isCall('LIST', plural)(request)) isListed = true;
    return isCall('WATCH', plural)(request) && !isListed ? answer : undefined;
  };
  watchOf(plural).end();
};

/** Sends an ERROR event and leaves the connection open and silent, so that only the event can cause the relist. */
const sendError = (plural: Plural, status: ReturnType<typeof statusObject>) => () => {
  const watch = watchOf(plural);
  watch.send({ type: 'ERROR', object: status });
  watch.silence();
};

const expired = [410, 'Expired', 'too old resource version: 1 (2)'] as const;
const leaderChanged = [500, 'InternalError', 'etcdserver: leader changed'] as const;

const faultsOf = (plural: Plural): Record<string, () => void> => ({
  'the API closes the watch': () => watchOf(plural).end(),
  'the API closes the watch as soon as it is open, five times': () => {
    let times = 0;
    system.kubernetes.onWatch = (watch) => {
      if (watch.path.endsWith(`/${plural}`) && ++times <= 5) watch.end();
    };
    watchOf(plural).end();
  },
  'the connection of the watch is reset': () => watchOf(plural).reset(),
  'every connection is reset': () => system.kubernetes.cut(),
  'the watch is answered with 410': refuseUntilListed(plural, refusal(...expired)),
  'the watch is answered with 500': refuseUntilListed(plural, refusal(...leaderChanged)),
  'the watch sends an ERROR event with 410': sendError(plural, statusObject(...expired)),
  'the watch sends an ERROR event with 500': sendError(plural, statusObject(...leaderChanged)),
  'the next list is an empty object of another kind': faultOnFirstList(plural, () => ({
    status: 200,
    body: { kind: 'Table', metadata: { resourceVersion: settledVersion }, items: [] },
  })),
  'the next list is reset too': faultOnFirstList(plural, () => 'reset'),
});

const silencesOf = (plural: Plural): Record<string, () => void> => ({
  'the watch sends nothing more, not even bookmarks': () => watchOf(plural).silence(),
  'the other end of every connection disappears without a FIN': () => system.kubernetes.network.halfOpen(),
  'the next list stops in the middle of its body': faultOnFirstList(plural, () => 'hang-in-body'),
});

describe('fault 15: the watch fails', () => {
  useWorker();

  describe.each(plurals)('for %s', (plural) => {
    it.each(Object.entries(faultsOf(plural)))(
      '%s: the worker resyncs within 5 s and takes no pod for deleted',
      async (_, inflict) => {
        expect(await resyncAfter(inflict, plural)).toBeLessThan(5_000);
        await expectUntouched();
      },
      40_000,
    );
  });

  it('the worker notices what happened while the API was unreachable, even when the history was compacted', async () => {
    const lost = await system.create();
    const before = await system.until(lost.id, { status: 'ready' });
    await system.kubernetes.goAway();
    await cluster.api.deleteNamespacedPod({ name: lost.podName, namespace });
    await vi.waitFor(async () => expect(await system.podsOf(lost.id)).toEqual([]), 10_000);
    cluster.compact();
    await system.kubernetes.comeBack();
    await vi.waitFor(async () => expect((await system.read(lost.id)).podUid).not.toBe(before.podUid), {
      timeout: 5_000,
    });
    await system.until(lost.id, { status: 'ready' });
    await expectUntouched();
  });
});

describe('fault 15: the watch is silent', () => {
  useWorker(shortLimits);

  describe.each(plurals)('for %s', (plural) => {
    it.each(Object.entries(silencesOf(plural)))(
      '%s: the worker resyncs after its time limit and takes no pod for deleted',
      async (_, inflict) => {
        expect(await resyncAfter(inflict, plural)).toBeLessThan(shortLimits.watchLimits.idleMs + 5_000);
        await expectUntouched();
      },
      40_000,
    );
  });
});
