import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import type { PassingRequest } from '../support/faulty-kubernetes.ts';
import { gate, isCall, refusal } from '../support/kubernetes-refusal.ts';
import { projectText } from '../support/project-text.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../support/worker-system.ts';

let cluster: QuickCluster;
let system: WorkerSystem;

beforeAll(async () => {
  cluster = await startQuickCluster();
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  system = await createWorkerSystem(cluster);
});
afterEach(() => system.stop());

const brokenLeader = refusal(500, 'InternalError', 'etcdserver: leader changed');

/** Gone from the cluster, and the row says so. */
async function expectArchived(id: string): Promise<void> {
  await system.until(id, { status: 'archived' });
  expect(await system.podsOf(id)).toEqual([]);
  expect(await system.claimUid(id)).toBeNull();
}

describe('fault 10: Kubernetes answers 500 on each verb, in turn', () => {
  const verbs = ['GET', 'LIST', 'WATCH', 'POST', 'DELETE'] as const;
  const all = verbs.flatMap((verb) => [[verb, 'pods'] as const, [verb, 'persistentvolumeclaims'] as const]);

  it.each(all)('a %s of %s is tried again until it is answered, and the project converges', async (verb, plural) => {
    const isHit = isCall(verb, plural);
    let refused = 0;
    system.kubernetes.fault = (request) => {
      if (!isHit(request) || refused === 2) return undefined;
      refused += 1;
      return brokenLeader;
    };
    await system.startWorker();
    const project = await system.create();
    await system.until(project.id, { status: 'ready', podError: null, reason: 'ready', observedGeneration: 1 });
    await vi.waitFor(() => expect(system.kubernetes.watches.size).toBe(3), 10_000);
    await system.command(project.id, 'delete');
    await expectArchived(project.id);
    expect(refused).toBe(2);
  });

  it('projects that failed together do not come back together', async () => {
    const dice = [0, 0.25, 0.5, 0.75, 1];
    let thrown = 0;
    const random = () => dice[thrown++ % dice.length] ?? 0;
    const projects = await Promise.all(dice.map(() => system.create()));
    const observed = new Map<string, number[]>(projects.map(({ workspacePvcName }) => [workspacePvcName, []]));
    system.kubernetes.fault = ({ at, method, path }) => {
      const times = observed.get(path.split('/').at(-1) ?? '');
      if (method !== 'GET' || !times) return undefined;
      times.push(at);
      return times.length === 1 ? brokenLeader : undefined;
    };
    await system.startWorker({}, { random });
    await Promise.all(projects.map(({ id }) => system.until(id, { status: 'ready' })));
    const pauses = [...observed.values()].map(([first = 0, second = 0]) => second - first).toSorted((a, b) => a - b);
    // Half a second, of which one half is by chance.
    expect(pauses[0]).toBeGreaterThan(240);
    expect((pauses.at(-1) ?? 0) - (pauses[0] ?? 0)).toBeGreaterThan(150);
  });

  it('the row says on the way which attempt failed and why', async () => {
    const hold = gate();
    let attempt = 0;
    system.kubernetes.fault = (request) => {
      if (!isCall('POST', 'pods')(request)) return undefined;
      attempt += 1;
      return attempt === 1 ? brokenLeader : hold.closed;
    };
    await system.startWorker();
    const project = await system.create();
    const failing = await system.until(project.id, { status: 'initializing', reason: 'cluster-error' });
    expect(projectText(failing)).toMatch(
      /HTTP 500.*Attempt 1 of 10; the next one follows by itself\..*leader changed/s,
    );
    hold.open();
    await system.until(project.id, { status: 'ready', podError: null, reason: 'ready' });
  });
});

describe('fault 11: 429 with Retry-After', () => {
  const retryAfterMs = 1_000;
  const slowDown = refusal(429, 'TooManyRequests', 'slow down', { 'retry-after': String(retryAfterMs / 1_000) });

  /** Answers the first request of a kind with 429, and says when. */
  function refuseOnce(isHit: (request: PassingRequest) => boolean): () => number {
    let refusedAt: number | null = null;
    system.kubernetes.fault = (request) => {
      if (refusedAt !== null || !isHit(request)) return undefined;
      refusedAt = performance.now();
      return slowDown;
    };
    return () => refusedAt ?? Infinity;
  }

  /** Everybody has a reason to send something now: other projects, every owner, and the watches, which end. */
  async function temptAll(): Promise<string[]> {
    const others = await Promise.all([system.create(), system.create(), system.create()]);
    for (const watch of system.kubernetes.watches) watch.end();
    await Promise.all(others.map(({ id }) => system.command(id, 'restart')));
    return others.map(({ id }) => id);
  }

  function expectSilence(refusedAt: number): void {
    const later = system.kubernetes.requests.filter(({ at }) => at > refusedAt);
    expect(later.length).toBeGreaterThan(0);
    const pauses = later.map(({ at, method, path, isWatch }) => ({
      pause: at - refusedAt,
      what: `${isWatch ? 'WATCH' : method} ${path}`,
    }));
    // The clocks of two timers differ by a few milliseconds.
    expect(pauses.filter(({ pause }) => pause < retryAfterMs - 20)).toEqual([]);
  }

  it('to the create of one project: nothing at all is sent before that time, whoever wishes what', async () => {
    const refusedAt = refuseOnce(isCall('POST', 'pods'));
    await system.startWorker({}, { resyncMs: 100 });
    await vi.waitFor(() => expect(system.kubernetes.watches.size).toBe(3), 10_000);
    const project = await system.create();
    await system.until(project.id, { reason: 'cluster-busy' });
    await system.command(project.id, 'restart');
    const others = await temptAll();
    for (const id of [project.id, ...others]) await system.until(id, { status: 'ready', podError: null });
    expectSilence(refusedAt());
  });

  it('to the watch: no job, no list and no other watch is sent before that time', async () => {
    const worker = await system.startWorker({}, { resyncMs: 100 });
    await vi.waitFor(() => expect(system.kubernetes.watches.size).toBe(3), 10_000);
    const isConnected = async () =>
      /^opencode_watch_connected (\d)$/m.exec(await worker.metrics.registry.metrics())?.[1];
    await vi.waitFor(async () => expect(await isConnected()).toBe('1'), 10_000);
    const refusedAt = refuseOnce(isCall('WATCH', 'pods'));
    for (const watch of system.kubernetes.watches) if (watch.path.endsWith('/pods')) watch.end();
    await vi.waitFor(async () => expect(await isConnected()).toBe('0'), 10_000);
    for (const id of await temptAll()) await system.until(id, { status: 'ready', podError: null });
    expectSilence(refusedAt());
  });
});

describe('fault 12: Kubernetes hangs before the headers, or in the body', () => {
  const requestTimeoutMs = 1_000;
  const short = { requestTimeoutMs, watchLimits: { listMs: requestTimeoutMs, idleMs: 1_000 } };

  /** Lets the first request of a kind hang. Returns the times of all of them. */
  function hangOnce(isHit: (request: PassingRequest) => boolean, how: 'hang' | 'hang-in-body'): number[] {
    const times: number[] = [];
    system.kubernetes.fault = (request) => {
      if (!isHit(request)) return undefined;
      times.push(request.at);
      return times.length === 1 ? how : undefined;
    };
    return times;
  }

  it.each([
    ['GET', 'hang'],
    ['GET', 'hang-in-body'],
    ['LIST', 'hang'],
    ['LIST', 'hang-in-body'],
    ['WATCH', 'hang'],
    ['POST', 'hang'],
    ['POST', 'hang-in-body'],
    ['DELETE', 'hang'],
    ['DELETE', 'hang-in-body'],
  ] as const)(
    'a %s of a pod in which it does "%s" is given up and tried again',
    async (verb, how) => {
      const times = hangOnce(isCall(verb, 'pods'), how);
      await system.startWorker({}, short);
      const project = await system.create();
      const ready = await system.until(project.id, { status: 'ready', podError: null, observedGeneration: 1 }, 30_000);
      expect((await system.podsOf(project.id)).map((pod) => pod.metadata?.uid)).toEqual([ready.podUid]);
      await system.command(project.id, 'delete');
      await system.until(project.id, { status: 'archived' }, 30_000);
      expect(await system.podsOf(project.id)).toEqual([]);
      const [first = 0, second = Infinity] = times;
      // A deletion whose answer was lost has happened all the same: nothing is left to try again.
      if (verb !== 'DELETE' || how === 'hang') expect(second - first).toBeGreaterThan(requestTimeoutMs / 2); // it came some time after it was sent
    },
    80_000,
  );

  it('a request gets ten seconds, unless a test says otherwise', async () => {
    const times = hangOnce(isCall('POST', 'pods'), 'hang');
    await system.startWorker();
    const project = await system.create();
    await system.until(project.id, { status: 'ready' }, 20_000);
    const [first = 0, second = 0] = times;
    expect(second - first).toBeGreaterThan(9_900);
    expect(second - first).toBeLessThan(13_000);
  }, 30_000);

  it('in a network that swallows every packet: the row says so, and all goes on when it is mended', async () => {
    await system.startWorker({}, short);
    const known = await system.create();
    await system.until(known.id, { status: 'ready', observedGeneration: 1 });
    await vi.waitFor(
      async () => expect(await system.jobs.getJobCounts('wait', 'active')).toEqual({ wait: 0, active: 0 }),
      10_000,
    );
    const before = await system.read(known.id);
    system.kubernetes.network.blackHole();
    const project = await system.create();
    await system.until(project.id, { status: 'initializing', reason: 'cluster-unreachable' }, 30_000);
    expect(await system.read(known.id)).toEqual(before);
    system.kubernetes.network.restore();
    await system.until(project.id, { status: 'ready', podError: null }, 30_000);
    expect(await system.read(known.id)).toEqual(before);
  }, 80_000);

  it('on connections whose other end is gone without a word: the next try takes a new one', async () => {
    await system.startWorker({}, short);
    await system.until((await system.create()).id, { status: 'ready' });
    system.kubernetes.network.halfOpen();
    const project = await system.create();
    await system.until(project.id, { status: 'ready', podError: null }, 30_000);
  }, 40_000);
});
