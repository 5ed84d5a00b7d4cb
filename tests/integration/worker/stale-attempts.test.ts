/**
 * Fault 34: an attempt of a worker that was frozen continues when the world has changed. The network holds a request of the
 * attempt, another worker carries out the same command, and then the request fails.
 */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { systemClock } from '../../../src/shared/clock.ts';
import { createAccessKeys } from '../../../src/shared/node/access/credentials.ts';
import type { ProjectRecord } from '../../../src/shared/node/db/project-record.ts';
import { createLog } from '../../../src/shared/node/log.ts';
import { readWorkerConfig } from '../../../src/worker/config.ts';
import { createAttempts } from '../../../src/worker/pods/jobs/attempts.ts';
import { loadKubeConfig } from '../../../src/worker/pods/kube/kubeconfig.ts';
import { createKubernetesClient } from '../../../src/worker/pods/kube/kubernetes-client.ts';
import { createReconciler } from '../../../src/worker/pods/reconcile/reconcile.ts';
import { createStatusWriter } from '../../../src/worker/pods/status/status-writer.ts';
import type { PassingRequest } from '../../support/faulty-kubernetes.ts';
import { gate, isCall, refusal, type Plural, type Verb } from '../../support/kubernetes-refusal.ts';
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

/** The attempts of a worker without a queue, so that the test decides when they begin. */
function createFrozenWorker() {
  const { db, places } = system;
  const config = readWorkerConfig({
    DATABASE_URL: places.databaseUrl,
    REDIS_URL: places.redisUrl,
    KUBECONFIG: places.kubeconfigPath,
  });
  const kubernetes = createKubernetesClient({
    loadKubeConfig: () => loadKubeConfig(places.kubeconfigPath),
    namespace: config.namespace,
    clock: systemClock,
    random: () => 0,
    requestTimeoutMs: 60_000,
  });
  const writer = createStatusWriter({
    db,
    publisher: { publish: async () => true },
    metrics: { started: () => undefined },
    clock: systemClock,
  });
  const accessKeys = createAccessKeys({ secret: 'x'.repeat(43), previousSecret: null });
  const settings = { ...config.pod, installationId: 'test', accessKeyId: accessKeys.currentKeyId };
  const reconciler = createReconciler({ db, kubernetes, writer, settings, clock: systemClock, accessKeys });
  return createAttempts({ db, kubernetes, reconciler, writer, random: () => 0 });
}

/** Begins an attempt and resolves when its request is held. `fail` answers the request and resolves when the attempt is over. */
async function hold(project: ProjectRecord, verb: Verb, plural: Plural) {
  const { closed, open } = gate();
  let held: PassingRequest | null = null;
  system.kubernetes.fault = (request) => {
    if (held !== null || !isCall(verb, plural)(request)) return undefined;
    held = request;
    return closed;
  };
  const log = createLog({ name: 'test', level: 'silent' });
  const options = { number: 10, of: 10, log, signal: new AbortController().signal };
  const ended = createFrozenWorker().run({ projectId: project.id }, options);
  await vi.waitFor(() => expect(held).not.toBeNull());
  return async (answer: Parameters<typeof open>[0]) => {
    open(answer);
    await ended;
  };
}

const serverError = refusal(500, 'InternalError', 'etcdserver: leader changed');

describe('fault 34: an attempt whose command was carried out by another worker meanwhile', () => {
  it.each([
    ['fails', 'reset'],
    ['is refused', serverError],
  ] as const)('writes nothing when its stop %s', async (_, answer) => {
    const worker = await system.startWorker();
    const { id } = await system.create();
    await system.until(id, { status: 'ready', observedGeneration: 1 });
    await worker.stop();
    const fail = await hold(await system.command(id, 'stop', { queued: false }), 'DELETE', 'pods');
    await system.startWorker();
    const stopped = await system.until(id, { status: 'stopped', observedGeneration: 2 });
    await fail(answer);
    expect(await system.read(id)).toEqual({ ...stopped, attempt: expect.any(Number) });
  });

  it('writes nothing when its start fails', async () => {
    const project = await system.create({ queued: false });
    const fail = await hold(project, 'POST', 'persistentvolumeclaims');
    await system.startWorker();
    await system.until(project.id, { status: 'ready', observedGeneration: 1, unfinishedAttempts: 0 });
    await system.untilQueueIsEmpty();
    const ready = await system.read(project.id);
    await fail('reset');
    expect(await system.read(project.id)).toEqual(ready);
  });

  it('sends nothing more to the cluster, and acknowledges nothing, when another attempt has only begun', async () => {
    const project = await system.create({ queued: false });
    const answer = await hold(project, 'GET', 'persistentvolumeclaims');
    const fail = await hold(project, 'POST', 'persistentvolumeclaims');
    await answer(undefined);
    const { requests } = system.kubernetes;
    expect(requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
    await fail('reset');
    expect(await system.read(project.id)).toMatchObject({ observedGeneration: 0, reason: 'cluster-unreachable' });
  });
});
