import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

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
/** For the tests of silence alone: less patience than usual. */
const short = { requestTimeoutMs: 500, watchLimits: { idleMs: 500, listMs: 500 } };

let cluster: QuickCluster;
let system: WorkerSystem;
let historyOf: (projectId: string) => Promise<RowVersion[]>;
/** Of the cluster when everything had settled. */
let settledVersion: string | undefined;

beforeAll(async () => {
  cluster = await startQuickCluster();
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  system = await createWorkerSystem(cluster);
});
afterEach(() => system.stop());

function watchOf(plural: Plural): FaultyWatch {
  const found = [...system.kubernetes.watches].find(({ path }) => path.endsWith(`/${plural}`));
  if (!found) throw new Error(`No watch of ${plural} is open.`);
  return found;
}

/** A project that is ready, with its watches open and nothing under way; every version from now on is noted. */
async function settle(options: Parameters<WorkerSystem['startWorker']>[1] = {}): Promise<ProjectRecord> {
  await system.startWorker({}, options);
  const project = await system.create();
  const ready = await system.until(project.id, { status: 'ready', observedGeneration: 1, podError: null });
  await vi.waitFor(() => expect(system.kubernetes.watches.size).toBe(3), 10_000);
  historyOf = await recordRows(system.db);
  settledVersion = (await cluster.api.listNamespacedPod({ namespace })).metadata?.resourceVersion;
  return ready;
}

/**
 * Inflicts a fault on a watch and waits until another has taken its place and the worker sees again what happens: a pod
 * that is lost is noticed by the watch alone. Returns how long that took.
 */
async function resyncAfter(inflict: () => void, plural: Plural): Promise<number> {
  const other = await system.create();
  const { podUid } = await system.until(other.id, { status: 'ready' });
  // With little patience each watch begins anew so often that there may be none for a moment.
  const old = await vi.waitFor(() => watchOf(plural), 10_000);
  const since = performance.now();
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
  const took = performance.now() - since;
  await system.until(other.id, { status: 'ready' }, 20_000);
  return took;
}

describe.each(plurals)('fault 15: the watch of %s is closed, reset, refused or silent', (plural) => {
  /** Whatever else it says, the fault ends with a connection that stays and says nothing more. */
  const thenSilence = (deed: (watch: FaultyWatch) => void) => () => {
    const watch = watchOf(plural);
    deed(watch);
    watch.silence();
  };
  const untilListed = (answer: ReturnType<typeof refusal>) => () => {
    let isListed = false;
    system.kubernetes.fault = (request: PassingRequest) => {
      if (isCall('LIST', plural)(request)) isListed = true;
      return isCall('WATCH', plural)(request) && !isListed ? answer : undefined;
    };
    watchOf(plural).end();
  };
  const firstList = (fault: Awaited<Fault>) => () => {
    let lists = 0;
    system.kubernetes.fault = (request: PassingRequest) =>
      isCall('LIST', plural)(request) && ++lists === 1 ? fault : undefined;
    watchOf(plural).reset();
  };
  const gone = statusObject(410, 'Expired', 'too old resource version: 1 (2)');
  const faults: Record<string, () => void> = {
    'it is closed by the API': () => watchOf(plural).end(),
    'it is closed as soon as it is open, five times': () => {
      let times = 0;
      system.kubernetes.onWatch = (watch) => {
        if (watch.path.endsWith(`/${plural}`) && ++times <= 5) watch.end();
      };
      watchOf(plural).end();
    },
    'it is reset': () => watchOf(plural).reset(),
    'every connection is cut': () => system.kubernetes.cut(),
    'it is answered by 410': untilListed(refusal(410, 'Expired', 'too old resource version: 1 (2)')),
    'it is answered by 500': untilListed(refusal(500, 'InternalError', 'etcdserver: leader changed')),
    'an ERROR event says 410': thenSilence((watch) => watch.send({ type: 'ERROR', object: gone })),
    'an ERROR event says 500': thenSilence((watch) =>
      watch.send({ type: 'ERROR', object: statusObject(500, 'InternalError', 'etcdserver: leader changed') }),
    ),
    'the list after it is something else, and empty': () => {
      const metadata = { resourceVersion: settledVersion };
      firstList({ status: 200, body: { kind: 'Table', metadata, items: [] } })();
    },
    'the list after it is reset, too': firstList('reset'),
  };

  it.each(Object.entries(faults))('%s: resynced within 5 s, and no pod is thought gone', async (_, inflict) => {
    const ready = await settle();
    expect(await resyncAfter(inflict, plural)).toBeLessThan(5_000);
    expect(await historyOf(ready.id)).toEqual([]);
    expect(await system.read(ready.id)).toEqual(ready);
  });

  const silences: Record<string, () => void> = {
    'it falls silent, bookmarks included': () => watchOf(plural).silence(),
    'the other end of every connection is gone without a word': () => system.kubernetes.network.halfOpen(),
    'the list after it stops in the middle': firstList('hang-in-body'),
  };

  it.each(Object.entries(silences))(
    '%s: resynced after the limit, and no pod is thought gone',
    async (_, inflict) => {
      const ready = await settle(short);
      expect(await resyncAfter(inflict, plural)).toBeLessThan(short.watchLimits.idleMs + 5_000);
      expect(await historyOf(ready.id)).toEqual([]);
      expect(await system.read(ready.id)).toEqual(ready);
    },
    40_000,
  );
});

describe('fault 15: what happened while nobody watched', () => {
  it('is seen afterwards, even when the history is forgotten', async () => {
    const kept = await settle();
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
    expect(await historyOf(kept.id)).toEqual([]);
  });
});
