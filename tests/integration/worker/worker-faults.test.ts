import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';

import { silentLog } from '../../../src/embedded/embedded-log.ts';
import { createEmbeddedRedis } from '../../../src/embedded/redis/redis.ts';
import type { Fault, PassingRequest } from '../../support/faulty-kubernetes.ts';
import { createWorkerSystem, startQuickCluster, type QuickCluster, type WorkerSystem } from './worker-system.ts';

const namespace = 'opencode';

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

const creates = (plural: 'pods' | 'persistentvolumeclaims') => (request: PassingRequest) =>
  request.method === 'POST' && request.path.endsWith(`/${plural}`);
const requestsThat = (test: (request: PassingRequest) => boolean) => system.kubernetes.requests.filter(test);

function refusal(code: number, reason: string, message: string, headers?: Record<string, string>): Fault {
  const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message };
  return { status: code, body, ...(headers ? { headers } : {}) };
}

const quotaExceeded = refusal(
  403,
  'Forbidden',
  'pods "project" is forbidden: exceeded quota: tenant-compute, requested: limits.memory=1280Mi, used: limits.memory=0, limited: limits.memory=512Mi',
);

/** Nothing waits and nothing runs: nothing will be sent to the cluster any more for these jobs. */
async function untilQueueRests(): Promise<void> {
  await vi.waitFor(async () => {
    const counts = await system.jobs.getJobCounts('wait', 'active', 'delayed');
    expect(counts).toEqual({ wait: 0, active: 0, delayed: 0 });
  });
}

/** A fault that waits until the test lets the request go on. */
function gate() {
  let open: (fault?: Fault) => void = () => undefined;
  const closed = new Promise<Fault | undefined>((resolve) => {
    open = resolve;
  });
  return { closed, open };
}

describe('a cluster that does not answer', () => {
  it('leaves the project initializing with the reason in words, and needs nobody to heal', async () => {
    await system.kubernetes.goAway();
    await system.startWorker();
    const project = await system.create();
    const waiting = await system.until(project.id, { status: 'initializing', reason: 'cluster-unreachable' });
    expect(waiting.message).toMatch(/^The cluster does not answer\. Your project is saved; it goes on by itself/);
    expect(waiting.parkedGeneration).toBeNull();
    await system.kubernetes.comeBack();
    await system.until(project.id, { status: 'ready', podError: null, reason: 'ready' }, 15_000);
  });

  it('loses nothing that happened meanwhile, even when the history is forgotten', async () => {
    await system.startWorker();
    const [lost, kept] = await Promise.all([system.create(), system.create()]);
    const before = await system.until(lost.id, { status: 'ready' });
    await system.until(kept.id, { status: 'ready' });
    await system.kubernetes.goAway();
    await cluster.api.deleteNamespacedPod({ name: lost.podName, namespace });
    await vi.waitFor(async () => expect(await system.podsOf(lost.id)).toEqual([]));
    cluster.compact();
    expect(await system.read(kept.id)).toMatchObject({ status: 'ready' });
    await system.kubernetes.comeBack();
    await vi.waitFor(async () => expect((await system.read(lost.id)).podUid).not.toBe(before.podUid));
    await system.until(lost.id, { status: 'ready' });
    expect(await system.read(kept.id)).toMatchObject({ status: 'ready', statusVersion: expect.any(Number) as number });
  });

  it('may lose the answer to a create: the pod that it made is taken for ours', async () => {
    let lies = 2;
    system.kubernetes.fault = (request) => (request.method === 'POST' && lies-- > 0 ? 'lose-answer' : undefined);
    await system.startWorker();
    const project = await system.create();
    await system.until(project.id, { status: 'ready', podError: null, observedGeneration: 1 });
    expect(await system.podsOf(project.id)).toHaveLength(1);
    expect(requestsThat(creates('pods'))).toHaveLength(1);
  });
});

describe('a cluster that answers with errors', () => {
  it.each(['GET', 'POST', 'DELETE'])('is tried again after a 500 to a %s', async (method) => {
    const refused = new Map<string, number>();
    system.kubernetes.fault = (request) => {
      if (request.method !== method || request.isWatch) return undefined;
      const times = (refused.get(request.path) ?? 0) + 1;
      refused.set(request.path, times);
      return times === 1 ? refusal(500, 'InternalError', 'etcdserver: leader changed') : undefined;
    };
    await system.startWorker();
    const project = await system.create();
    await system.until(project.id, { status: 'ready', podError: null, reason: 'ready' });
    await system.wish(project.id, 'delete');
    await system.until(project.id, { status: 'archived' });
    expect(refused.size).toBeGreaterThan(0);
    expect(await system.podsOf(project.id)).toEqual([]);
    expect(await system.claimUid(project.id)).toBeNull();
  });

  it('says on the way which attempt failed and why, and keeps the row', async () => {
    const hold = gate();
    let attempt = 0;
    system.kubernetes.fault = (request) => {
      if (!creates('pods')(request)) return undefined;
      attempt += 1;
      return attempt === 1 ? refusal(500, 'InternalError', 'etcdserver: leader changed') : hold.closed;
    };
    await system.startWorker();
    const project = await system.create();
    const failing = await system.until(project.id, { status: 'initializing', reason: 'cluster-error' });
    expect(failing.message).toMatch(/HTTP 500.*leader changed.*Attempt 1 of 10; the next one follows by itself\./s);
    hold.open();
    await system.until(project.id, { status: 'ready', podError: null, reason: 'ready' });
  });

  it('is sent nothing for the project before the time that Retry-After asks for, whoever wishes what', async () => {
    let refusedAt: number | null = null;
    system.kubernetes.fault = (request) => {
      if (!creates('pods')(request) || refusedAt !== null) return undefined;
      refusedAt = request.at;
      return refusal(429, 'TooManyRequests', 'slow down', { 'retry-after': '1' });
    };
    await system.startWorker({}, { resyncMs: 100 });
    const project = await system.create();
    await system.until(project.id, { reason: 'cluster-busy' });
    await system.wish(project.id, 'restart');
    await system.until(project.id, { status: 'ready' });
    const jobsLater = requestsThat(({ at, path }) => at > (refusedAt ?? 0) && path.includes(project.id));
    expect(jobsLater.length).toBeGreaterThan(0);
    for (const { at } of jobsLater) expect(at - (refusedAt ?? 0)).toBeGreaterThan(950);
  });
});

describe('a cluster that refuses', () => {
  it('shows a used-up quota as an error, sends no storm of attempts, and heals by a retry', async () => {
    system.kubernetes.fault = (request) => (creates('pods')(request) ? quotaExceeded : undefined);
    await system.startWorker({}, { resyncMs: 100 });
    const project = await system.create();
    const failed = await system.until(project.id, { status: 'error', reason: 'quota-exceeded', parkedGeneration: 1 });
    expect(failed.message).toMatch(/quota is used up.*limits\.memory=512Mi.*Mend the cause and retry\./s);
    await untilQueueRests();
    expect(requestsThat(creates('pods')).length).toBeLessThanOrEqual(2);

    system.kubernetes.fault = () => undefined;
    await system.wish(project.id, 'retry');
    await system.until(project.id, { status: 'ready', podError: null, parkedGeneration: null });
  });

  it('shows an invalid spec as an error that an administrator must correct', async () => {
    system.kubernetes.fault = (request) =>
      creates('pods')(request)
        ? refusal(422, 'Invalid', 'Pod "project" is invalid: spec.containers[0].image: Required value')
        : undefined;
    await system.startWorker();
    const project = await system.create();
    const failed = await system.until(project.id, { status: 'error', reason: 'invalid-spec' });
    expect(failed.message).toMatch(/administrator must correct.*spec\.containers\[0\]\.image/s);
    await untilQueueRests();
    expect(requestsThat(creates('pods')).length).toBeLessThanOrEqual(2);
    await system.wish(project.id, 'delete');
    await system.until(project.id, { status: 'archived' });
    expect(await system.claimUid(project.id)).toBeNull();
  });

  it('shows a missing namespace as an error, and goes on by a retry once it is there', async () => {
    await system.startWorker({ KUBE_NAMESPACE: 'not-there-yet' });
    const project = await system.create({ namespace: 'not-there-yet' });
    const failed = await system.until(project.id, { status: 'error', reason: 'namespace-missing' });
    expect(failed.message).toMatch(/administrator must create it/);
    await untilQueueRests();
    await cluster.api.createNamespace({ body: { metadata: { name: 'not-there-yet' } } });
    await system.wish(project.id, 'retry');
    await system.until(project.id, { status: 'ready' });
  });

  it('leaves a pod of somebody else that bears our name alone, and says so', async () => {
    const project = await system.create({ queued: false });
    const foreign = await cluster.api.createNamespacedPod({
      namespace,
      body: { metadata: { name: project.podName }, spec: { containers: [{ name: 'theirs', image: 'theirs:1' }] } },
    });
    await system.startWorker();
    const failed = await system.until(project.id, { status: 'error', reason: 'name-conflict' });
    expect(failed.message).toMatch(/belongs to somebody else and is left alone.*administrator/s);
    await system.wish(project.id, 'delete');
    await system.until(project.id, { status: 'error', reason: 'name-conflict', desiredState: 'deleted' });
    await untilQueueRests();
    const still = await cluster.api.readNamespacedPod({ name: project.podName, namespace });
    expect(still.metadata?.uid).toBe(foreign.metadata?.uid);
    expect(still.metadata?.deletionTimestamp).toBeUndefined();
    await cluster.api.deleteNamespacedPod({ name: project.podName, namespace });
    await vi.waitFor(async () =>
      expect(await cluster.api.readNamespacedPod({ name: project.podName, namespace }).catch(() => null)).toBeNull(),
    );
    await system.wish(project.id, 'retry');
    await system.until(project.id, { status: 'archived' });
  });
});

describe('wishes, jobs and workers that come and go', () => {
  it('does not let a new wish wait for the back-off of the wish before', async () => {
    const hold = gate();
    let attempt = 0;
    system.kubernetes.fault = (request) => {
      if (!creates('pods')(request)) return undefined;
      attempt += 1;
      return attempt < 3 ? refusal(500, 'InternalError', 'broken') : hold.closed;
    };
    await system.startWorker({}, { random: () => 1 }); // the longest pauses: two seconds after the third attempt
    const project = await system.create();
    await vi.waitFor(() => expect(attempt).toBe(3), { timeout: 5_000 });
    await system.wish(project.id, 'stop');
    const wishedAt = performance.now();
    hold.open(refusal(500, 'InternalError', 'broken'));
    await system.until(project.id, { status: 'stopped' });
    expect(performance.now() - wishedAt).toBeLessThan(1_500);
  });

  it('hands a job back when its worker has to go in the middle of it', async () => {
    const hold = gate();
    let isFirst = true;
    system.kubernetes.fault = (request) => {
      if (!creates('persistentvolumeclaims')(request) || !isFirst) return undefined;
      isFirst = false;
      return hold.closed;
    };
    const worker = await system.startWorker({}, { jobGraceMs: 0 });
    const project = await system.create();
    await vi.waitFor(() => expect(requestsThat(creates('persistentvolumeclaims'))).toHaveLength(1));
    const stopping = worker.stop();
    await vi.waitFor(async () => {
      const { rows } = await system.db.raw<{ rows: object[] }>('select expires_at < now() as free from leases');
      expect(rows).toEqual([{ free: true }]);
    });
    hold.open();
    await stopping;
    expect(requestsThat(creates('pods'))).toEqual([]);
    const waiting = await system.jobs.getJobs(['wait']);
    expect(waiting.map(({ data, attemptsMade }) => [data.projectId, attemptsMade])).toEqual([[project.id, 0]]);
    await system.startWorker();
    await system.until(project.id, { status: 'ready', podError: null });
    expect(requestsThat(creates('pods'))).toHaveLength(1);
  });
});

describe('a Redis that goes away', () => {
  async function createOwnRedis() {
    const dataDir = await mkdtemp(join(tmpdir(), 'opencode-redis-'));
    let redis = await createEmbeddedRedis({ dataDir, log: silentLog });
    onTestFinished(async () => {
      await redis.stop();
      await rm(dataDir, { recursive: true, force: true });
    });
    return {
      url: redis.url,
      stop: () => redis.stop(),
      /** On the same port, with its data. */
      async start() {
        redis = await createEmbeddedRedis({ dataDir, log: silentLog });
      },
    };
  }

  it('loses no repair: a pod that was lost meanwhile comes back', async () => {
    const redis = await createOwnRedis();
    const own = await createWorkerSystem(cluster, { redisUrl: redis.url });
    onTestFinished(() => own.stop());
    await own.startWorker();
    const project = await own.create();
    const before = await own.until(project.id, { status: 'ready' });
    await redis.stop();
    await cluster.api.deleteNamespacedPod({ name: project.podName, namespace });
    await own.until(project.id, { status: 'initializing', podUid: null });
    await redis.start();
    const after = await own.until(project.id, { status: 'ready' });
    expect(after.podUid).not.toBe(before.podUid);
  });

  it('does not keep a worker from stopping', async () => {
    const redis = await createOwnRedis();
    const own = await createWorkerSystem(cluster, { redisUrl: redis.url });
    onTestFinished(() => own.stop());
    const worker = await own.startWorker();
    await own.until((await own.create()).id, { status: 'ready' });
    await own.create({ queued: false });
    await redis.stop();
    const startedAt = performance.now();
    await worker.stop();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});
