import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import type { PassingRequest } from '../../support/faulty-kubernetes.ts';
import { gate, isCall, refusal } from '../../support/kubernetes-refusal.ts';
import { projectText } from '../../support/project-text.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../../support/worker-system.ts';

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

const requestsThat = (test: (request: PassingRequest) => boolean) => system.kubernetes.requests.filter(test);

/** Waits until no job is left that could send something to the cluster. */
async function untilQueueIsEmpty(): Promise<void> {
  await vi.waitFor(async () => {
    const counts = await system.jobs.getJobCounts('wait', 'active', 'delayed');
    expect(counts).toEqual({ wait: 0, active: 0, delayed: 0 });
  }, 10_000);
}

describe('a cluster that does not answer', () => {
  it('leaves the project initializing with a reason, and the project continues by itself', async () => {
    await system.kubernetes.goAway();
    await system.startWorker();
    const project = await system.create();
    const waiting = await system.until(project.id, { status: 'initializing', reason: 'cluster-unreachable' });
    expect(projectText(waiting)).toMatch(
      /^The cluster does not answer\. Your project is saved\. It continues by itself/,
    );
    expect(waiting.failedGeneration).toBeNull();
    await system.kubernetes.comeBack();
    await system.until(project.id, { status: 'ready', podError: null, reason: 'ready' }, 15_000);
  });

  it('may lose the answer to a create request: the worker finds the pod', async () => {
    let lies = 2;
    system.kubernetes.fault = (request) => (request.method === 'POST' && lies-- > 0 ? 'lose-answer' : undefined);
    await system.startWorker();
    const project = await system.create();
    await system.until(project.id, { status: 'ready', podError: null, observedGeneration: 1 });
    expect(await system.podsOf(project.id)).toHaveLength(1);
    expect(requestsThat(isCall('POST', 'pods'))).toHaveLength(1);
  });
});

describe('a cluster that refuses', () => {
  it('shows a missing namespace as an error, and continues by a retry when the namespace exists', async () => {
    await system.startWorker({ KUBE_NAMESPACE: 'not-there-yet' });
    const project = await system.create({ namespace: 'not-there-yet' });
    const failed = await system.until(project.id, { status: 'error', reason: 'namespace-missing' });
    expect(projectText(failed)).toMatch(
      /not-there-yet was not found.*administrator must create it|Create the namespace/,
    );
    await untilQueueIsEmpty();
    await cluster.api.createNamespace({ body: { metadata: { name: 'not-there-yet' } } });
    await system.command(project.id, 'retry');
    await system.until(project.id, { status: 'ready' });
  });
});

describe('commands during attempts', () => {
  it('do not wait for the back-off of the command before', async () => {
    const hold = gate();
    let attempt = 0;
    system.kubernetes.fault = (request) => {
      if (!isCall('POST', 'pods')(request)) return undefined;
      attempt += 1;
      return attempt < 3 ? refusal(500, 'InternalError', 'broken') : hold.closed;
    };
    // The delay after the third attempt is a minute.
    await system.startWorker({}, { random: () => (attempt < 3 ? 0 : 60) });
    const project = await system.create();
    await vi.waitFor(() => expect(attempt).toBe(3), { timeout: 5_000 });
    await system.command(project.id, 'stop');
    hold.open(refusal(500, 'InternalError', 'broken'));
    await system.until(project.id, { status: 'stopped' });
  });

  it('are carried out by another worker when their worker stops in the middle of a job', async () => {
    const hold = gate();
    let isFirst = true;
    system.kubernetes.fault = (request) => {
      if (!isCall('POST', 'persistentvolumeclaims')(request) || !isFirst) return undefined;
      isFirst = false;
      return hold.closed;
    };
    const worker = await system.startWorker({}, { jobGraceMs: 0 });
    const project = await system.create();
    await vi.waitFor(() => expect(requestsThat(isCall('POST', 'persistentvolumeclaims'))).toHaveLength(1), 10_000);
    const stopping = worker.stop();
    await vi.waitFor(async () => {
      const { rows } = await system.db.raw<{ rows: object[] }>('select expires_at < now() as free from leases');
      expect(rows).toEqual([{ free: true }]);
    }, 10_000);
    hold.open();
    await stopping;
    expect(requestsThat(isCall('POST', 'pods'))).toEqual([]);
    const waiting = await system.jobs.getJobs(['wait']);
    expect(waiting.map(({ data, attemptsMade }) => [data.projectId, attemptsMade])).toEqual([[project.id, 0]]);
    await system.startWorker();
    await system.until(project.id, { status: 'ready', podError: null });
    expect(requestsThat(isCall('POST', 'pods'))).toHaveLength(1);
  });
});
