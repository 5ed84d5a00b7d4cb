import { randomUUID } from 'node:crypto';

import { afterAll, afterEach, beforeAll, describe, expect, vi } from 'vitest';

import type { PassingRequest } from '../support/faulty-kubernetes.ts';
import { gate, isAbout, isCall, refusal } from '../support/kubernetes-refusal.ts';
import { projectText } from '../support/project-text.ts';
import { createWorkerSystem, startQuickCluster, type WorkerSystem } from '../support/worker-system.ts';
import { it } from '../support/worker-test.ts';

const brokenLeader = refusal(500, 'InternalError', 'etcdserver: leader changed');

const untilWatching = (system: WorkerSystem) =>
  vi.waitFor(() => expect(system.kubernetes.watches.size).toBe(3), 10_000);

/** One worker for all tests of a group, which run one after the other. */
function shareWorker(options: Parameters<WorkerSystem['startWorker']>[1] = {}): () => WorkerSystem {
  let cluster: Awaited<ReturnType<typeof startQuickCluster>>;
  let shared: WorkerSystem;
  beforeAll(async () => {
    cluster = await startQuickCluster();
    shared = await createWorkerSystem(cluster);
    await shared.startWorker({}, options);
    await untilWatching(shared);
  });
  afterEach(() => shared.kubernetes.heal());
  afterAll(async () => {
    await shared.stop();
    await cluster.stop();
  });
  return () => shared;
}

describe('fault 10: Kubernetes answers 500', () => {
  const systemOf = shareWorker();
  const plurals = ['pods', 'persistentvolumeclaims'] as const;
  const requests = (['GET', 'POST', 'DELETE'] as const).flatMap((verb) =>
    plurals.map((plural) => [verb, plural] as const),
  );
  const reads = (['LIST', 'WATCH'] as const).flatMap((verb) => plurals.map((plural) => [verb, plural] as const));

  it('each request for a project is retried until it is answered, and the project converges', async () => {
    const system = systemOf();
    const refusals = requests.map(([verb, plural]) => ({ id: randomUUID(), isHit: isCall(verb, plural), refused: 0 }));
    system.kubernetes.fault = (request) => {
      const hit = refusals.find(({ id, isHit, refused }) => isAbout(request, id) && isHit(request) && refused < 2);
      if (!hit) return undefined;
      hit.refused += 1;
      return brokenLeader;
    };
    await Promise.all(
      refusals.map(async ({ id }) => {
        await system.create({ id });
        await expectConverges(system, id);
      }),
    );
    expect(refusals.map(({ refused }, index) => [requests[index], refused])).toEqual(requests.map((one) => [one, 2]));
  });

  it.each(reads)('a %s of %s is retried until it is answered, and the project converges', async (verb, plural) => {
    const system = systemOf();
    const isHit = isCall(verb, plural);
    let refused = 0;
    system.kubernetes.fault = (request) => {
      if (!isHit(request) || refused === 2) return undefined;
      refused += 1;
      return brokenLeader;
    };
    system.kubernetes.cut(); // so that the worker lists and watches again
    const { id } = await system.create();
    await expectConverges(system, id);
    expect(refused).toBe(2);
  });

  /** It becomes ready, and can be deleted. */
  async function expectConverges(system: WorkerSystem, id: string): Promise<void> {
    await system.until(id, { status: 'ready', podError: null, reason: 'ready', observedGeneration: 1 });
    await untilWatching(system);
    await system.command(id, 'delete');
    await system.until(id, { status: 'archived' });
    expect(await system.podsOf(id)).toEqual([]);
    expect(await system.claimUid(id)).toBeNull();
  }

  it('the row shows which attempt failed and why, until the next attempt succeeds', async () => {
    const system = systemOf();
    const hold = gate();
    let attempt = 0;
    system.kubernetes.fault = (request) => {
      if (!isCall('POST', 'pods')(request)) return undefined;
      attempt += 1;
      return attempt === 1 ? brokenLeader : hold.closed;
    };
    const project = await system.create();
    const failing = await system.until(project.id, { status: 'initializing', reason: 'cluster-error' });
    expect(projectText(failing)).toMatch(/HTTP 500.*Attempt 1 of 10\..*leader changed/s);
    hold.open();
    await system.until(project.id, { status: 'ready', podError: null, reason: 'ready' });
  });
});

describe('fault 12: Kubernetes hangs before the headers, or in the body', () => {
  const requestTimeoutMs = 1_000;
  const systemOf = shareWorker({ requestTimeoutMs, watchLimits: { listMs: requestTimeoutMs, idleMs: 1_000 } });

  const ways = ['hang', 'hang-in-body'] as const;
  const requests = (['GET', 'POST', 'DELETE'] as const).flatMap((verb) => ways.map((how) => [verb, how] as const));

  it('each request for a project that hangs is aborted and retried', async () => {
    const system = systemOf();
    const hangs = requests.map(([verb, how]) => {
      const id = randomUUID();
      const isHit = isCall(verb, 'pods');
      return {
        id,
        how,
        times: [] as number[],
        isHit: (request: PassingRequest) => isAbout(request, id) && isHit(request),
      };
    });
    system.kubernetes.fault = (request) => {
      const hit = hangs.find(({ isHit }) => isHit(request));
      hit?.times.push(request.at);
      return hit?.times.length === 1 ? hit.how : undefined;
    };
    await Promise.all(
      hangs.map(async ({ id }) => {
        await system.create({ id });
        await expectConverges(system, id);
      }),
    );
    // A DELETE whose answer was lost has taken effect, so there is nothing to retry. The proxy sees a request after it was sent.
    const retried = hangs.filter((_, index) => requests[index]?.join() !== 'DELETE,hang-in-body');
    const pauses = retried.map(({ times: [first = 0, second = Infinity] }) => second - first);
    expect(pauses.filter((pause) => pause <= requestTimeoutMs / 2)).toEqual([]);
  }, 80_000);

  it.each([
    ['LIST', 'hang'],
    ['LIST', 'hang-in-body'],
    ['WATCH', 'hang'],
  ] as const)(
    'a %s of pods that ends in "%s" is aborted and retried',
    async (verb, how) => {
      const system = systemOf();
      const times = hangOnce(system, isCall(verb, 'pods'), how);
      system.kubernetes.cut(); // so that the worker lists and watches again
      const { id } = await system.create();
      await expectConverges(system, id);
      const [first = 0, second = Infinity] = times;
      expect(second - first).toBeGreaterThan(requestTimeoutMs / 2);
    },
    80_000,
  );

  /** It becomes ready with one pod, and can be deleted. */
  async function expectConverges(system: WorkerSystem, id: string): Promise<void> {
    const ready = await system.until(id, { status: 'ready', podError: null, observedGeneration: 1 }, 30_000);
    expect((await system.podsOf(id)).map((pod) => pod.metadata?.uid)).toEqual([ready.podUid]);
    await system.command(id, 'delete');
    await system.until(id, { status: 'archived' }, 30_000);
    expect(await system.podsOf(id)).toEqual([]);
  }

  it('when the network drops every packet, the row says so, and the worker continues after the repair', async () => {
    const system = systemOf();
    const known = await system.create();
    await system.until(known.id, { status: 'ready', observedGeneration: 1 });
    await system.untilQueueIsEmpty();
    const before = await system.read(known.id);
    system.kubernetes.network.blackHole();
    const project = await system.create();
    await system.until(project.id, { status: 'initializing', reason: 'cluster-unreachable' }, 30_000);
    expect(await system.read(known.id)).toEqual(before);
    system.kubernetes.network.restore();
    await system.until(project.id, { status: 'ready', podError: null }, 30_000);
    expect(await system.read(known.id)).toEqual(before);
  }, 80_000);

  it('when the other end of every connection disappears, the next attempt opens a new connection', async () => {
    const system = systemOf();
    await system.until((await system.create()).id, { status: 'ready' });
    system.kubernetes.network.halfOpen();
    const project = await system.create();
    await system.until(project.id, { status: 'ready', podError: null }, 30_000);
  }, 40_000);
});

/** Makes the first request of a kind hang. Returns the times of all of them. */
function hangOnce(
  { kubernetes }: WorkerSystem,
  isHit: (request: PassingRequest) => boolean,
  how: 'hang' | 'hang-in-body',
): number[] {
  const times: number[] = [];
  kubernetes.fault = (request) => {
    if (!isHit(request)) return undefined;
    times.push(request.at);
    return times.length === 1 ? how : undefined;
  };
  return times;
}

/** These tests wait for pauses, each with a worker of its own, so they run side by side. */
describe.concurrent('the pauses of the worker', () => {
  it('fault 12: a request is aborted after ten seconds', async ({ system }) => {
    const times = hangOnce(system, isCall('POST', 'pods'), 'hang');
    await system.startWorker();
    const project = await system.create();
    await system.until(project.id, { status: 'ready' }, 20_000);
    const [first = 0, second = 0] = times;
    expect(second - first).toBeGreaterThan(9_900);
    expect(second - first).toBeLessThan(13_000);
  }, 30_000);

  it('fault 10: projects that failed at the same time are retried at different times', async ({ system }) => {
    const randomNumbers = [0, 0.25, 0.5, 0.75, 1];
    let drawn = 0;
    const random = () => randomNumbers[drawn++ % randomNumbers.length] ?? 0;
    const projects = await Promise.all(randomNumbers.map(() => system.create()));
    const attempts = new Map<string, number[]>(projects.map(({ workspacePvcName }) => [workspacePvcName, []]));
    system.kubernetes.fault = ({ at, method, path }) => {
      const times = attempts.get(path.split('/').at(-1) ?? '');
      if (method !== 'GET' || !times) return undefined;
      times.push(at);
      return times.length <= 3 ? brokenLeader : undefined;
    };
    await system.startWorker({}, { random });
    await Promise.all(projects.map(({ id }) => system.until(id, { status: 'ready' })));
    const pauses = [...attempts.values()]
      .map(([, , third = 0, fourth = 0]) => fourth - third)
      .toSorted((a, b) => a - b);
    // The third back-off is 2 s, half of it random.
    expect(pauses[0]).toBeGreaterThan(990);
    expect((pauses.at(-1) ?? 0) - (pauses[0] ?? 0)).toBeGreaterThan(600);
  });
});

describe('fault 11: Kubernetes answers 429', () => {
  it('after a 429 to a create, nothing is sent before Retry-After, whatever is requested', async ({ system }) => {
    const refusedAt = refuseOnce(system, isCall('POST', 'pods'));
    await system.startWorker({}, { resyncMs: 100 });
    await untilWatching(system);
    const project = await system.create();
    await system.until(project.id, { reason: 'cluster-busy' });
    const knownAt = performance.now();
    await system.command(project.id, 'restart');
    const others = await giveEveryPartWork(system);
    for (const id of [project.id, ...others]) await system.until(id, { status: 'ready', podError: null });
    expectSilence(system, { refusedAt: refusedAt(), knownAt });
  });

  it('after a 429 to a watch, no job, list or other watch sends anything before Retry-After', async ({ system }) => {
    const worker = await system.startWorker({}, { resyncMs: 100 });
    await untilWatching(system);
    const isConnected = async () =>
      /^opencode_watch_connected (\d)$/m.exec(await worker.metrics.registry.metrics())?.[1];
    await vi.waitFor(async () => expect(await isConnected()).toBe('1'), 10_000);
    const refusedAt = refuseOnce(system, isCall('WATCH', 'pods'));
    for (const watch of system.kubernetes.watches) if (watch.path.endsWith('/pods')) watch.end();
    await vi.waitFor(async () => {
      expect(refusedAt()).toBeLessThan(Infinity);
      expect(await isConnected()).toBe('0');
    }, 10_000);
    const knownAt = performance.now();
    for (const id of await giveEveryPartWork(system)) await system.until(id, { status: 'ready', podError: null });
    expectSilence(system, { refusedAt: refusedAt(), knownAt });
  });
});

const retryAfterMs = 1_000;
const slowDown = refusal(429, 'TooManyRequests', 'slow down', { 'retry-after': String(retryAfterMs / 1_000) });

/** Answers the first request of a kind with 429. The function that it returns gives the time of that answer. */
function refuseOnce({ kubernetes }: WorkerSystem, isHit: (request: PassingRequest) => boolean): () => number {
  let refusedAt: number | null = null;
  kubernetes.fault = (request) => {
    if (refusedAt !== null || !isHit(request)) return undefined;
    refusedAt = performance.now();
    return slowDown;
  };
  return () => refusedAt ?? Infinity;
}

/** Gives every part of the worker a reason to send a request: new projects, restarts, and watches that ended. */
async function giveEveryPartWork(system: WorkerSystem): Promise<string[]> {
  const others = await Promise.all([system.create(), system.create(), system.create()]);
  for (const watch of system.kubernetes.watches) watch.end();
  await Promise.all(others.map(({ id }) => system.command(id, 'restart')));
  return others.map(({ id }) => id);
}

/** @param times.knownAt when the worker had received the answer: other requests may have been on their way until then */
function expectSilence(system: WorkerSystem, { refusedAt, knownAt }: { refusedAt: number; knownAt: number }): void {
  const later = system.kubernetes.requests.filter(({ at }) => at > knownAt);
  expect(later.length).toBeGreaterThan(0);
  const pauses = later.map(({ at, method, path, isWatch }) => ({
    pause: at - refusedAt,
    what: `${isWatch ? 'WATCH' : method} ${path}`,
  }));
  // Two timers may differ by a few milliseconds.
  expect(pauses.filter(({ pause }) => pause < retryAfterMs - 20)).toEqual([]);
}
