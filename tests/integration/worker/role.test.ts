/**
 * The rights of the worker (k8s/base/worker-role.yaml) on a real kube-apiserver with RBAC: they are sufficient, and every
 * verb is needed.
 */

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { loadAllYaml, type KubernetesObject, type V1Role, type V1RoleBinding } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { createPodLogQueue } from '../../../src/server/projects/pod-log-queue.ts';
import type { ProjectRecord } from '../../../src/shared/node/db/project-record.ts';
import { createLog } from '../../../src/shared/node/log.ts';
import { awaitRedis, createRedis } from '../../../src/shared/node/redis.ts';
import { isCall, type Plural, type Verb } from '../../support/kubernetes-refusal.ts';
import { hasRbacCluster, startRbacCluster, type RbacCluster } from '../../support/rbac-cluster.ts';
import { createWorkerSystem, type WorkerSystem } from '../../support/worker-system.ts';

const manifest = readFileSync(new URL('../../../k8s/base/worker-role.yaml', import.meta.url), 'utf8');
const objects: KubernetesObject[] = loadAllYaml(manifest);
const role = objects.find(({ kind }) => kind === 'Role') as V1Role;
const binding = objects.find(({ kind }) => kind === 'RoleBinding') as V1RoleBinding;
/** The verbs of Kubernetes, with the requests that they allow. */
const requestOf: Record<string, Verb> = { get: 'GET', list: 'LIST', watch: 'WATCH', create: 'POST', delete: 'DELETE' };
const grants = (role.rules ?? []).flatMap(({ resources = [], verbs }) =>
  resources.flatMap((resource) => verbs.map((verb) => ({ verb, resource: resource as Plural }))),
);

/** Asks the worker for a log, as the server does. There is no container, so the answer has no lines. */
async function readLog({ places }: WorkerSystem, { podName }: ProjectRecord): Promise<void> {
  const log = createLog({ name: 'test', level: 'silent' });
  const redis = createRedis(places.redisUrl, { purpose: 'producer', log });
  const replies = createRedis(places.redisUrl, { purpose: 'blocking', log });
  const podLogs = createPodLogQueue({ redis, replies, log });
  const stopping = new AbortController();
  const receiving = podLogs.receiveReplies(stopping.signal);
  try {
    await awaitRedis(redis, 5_000);
    const result = await podLogs.read({ podName, container: 'opencode-server', previous: false, tailLines: 10 });
    expect(result.kind).toBe('unavailable');
  } finally {
    stopping.abort();
    await Promise.all([receiving, podLogs.close()]);
    redis.disconnect();
  }
}

vi.setConfig({ testTimeout: 180_000 });

describe.skipIf(!hasRbacCluster)('the rights of the worker', () => {
  let cluster: RbacCluster;

  beforeAll(async () => {
    cluster = await startRbacCluster();
  });
  afterAll(() => cluster.stop());

  /** A namespace with the role of the manifest without one verb on one resource, and a worker with no other rights. */
  async function startWith(namespace: string, missing?: { verb: string; resource: Plural }): Promise<WorkerSystem> {
    const rules = (role.rules ?? []).flatMap(({ resources = [], verbs, ...rule }) =>
      resources.map((resource) => ({
        ...rule,
        resources: [resource],
        verbs: verbs.filter((verb) => verb !== missing?.verb || resource !== missing.resource),
      })),
    );
    await cluster.api.createNamespace({ body: { metadata: { name: namespace } } });
    await cluster.rights.createNamespacedRole({
      namespace,
      body: { metadata: { name: 'worker' }, rules: rules.filter(({ verbs }) => verbs.length > 0) },
    });
    await cluster.rights.createNamespacedRoleBinding({
      namespace,
      body: { roleRef: binding.roleRef, subjects: binding.subjects ?? [], metadata: { name: 'worker' } },
    });
    const system = await createWorkerSystem({
      kubeconfigPath: cluster.workerKubeconfigPath,
      api: cluster.api,
      compact: () => undefined,
      stop: async () => {},
    });
    await system.startWorker({ KUBE_NAMESPACE: namespace });
    return system;
  }

  it('are sufficient to create, stop, start, restart and delete a project, and to show its status and its logs', async () => {
    const system = await startWith('enough');
    try {
      const { id } = await system.create({ namespace: 'enough' });
      await system.until(id, { status: 'ready', observedGeneration: 1 });
      await readLog(system, await system.read(id));
      for (const [command, status] of [
        ['stop', 'stopped'],
        ['start', 'ready'],
        ['restart', 'ready'],
        ['delete', 'archived'],
      ] as const) {
        const { generation } = await system.command(id, command);
        await system.until(id, { status, observedGeneration: generation });
      }
      expect(system.kubernetes.requests.filter(({ status }) => status === 403)).toEqual([]);
    } finally {
      await system.stop();
    }
  });

  it.concurrent.for(grants)(
    'include "$verb" on $resource, without which requests are refused',
    async ({ verb, resource }) => {
      const namespace = `no-${verb}-${resource.replace('/', '-')}-${randomUUID().slice(0, 8)}`; // so that a second run finds the name free
      const system = await startWith(namespace, { verb, resource });
      const isMissed = isCall(requestOf[verb] ?? 'GET', resource);
      const refused = () => system.kubernetes.requests.filter((request) => request.status === 403);
      const expectRefusal = () => expect(refused().some(isMissed)).toBe(true);
      try {
        const { id } = await system.create({ namespace });
        // A right that is not needed to start the project is needed to read its log or to delete it.
        await vi.waitFor(
          async () => {
            const { status } = await system.read(id);
            if (status !== 'ready') expectRefusal();
          },
          { timeout: 20_000, interval: 50 },
        );
        if (!refused().some(isMissed)) await readLog(system, await system.read(id));
        if (!refused().some(isMissed)) await system.command(id, 'delete');
        await vi.waitFor(expectRefusal, { timeout: 20_000, interval: 50 });
        expect(refused().filter((request) => !isMissed(request))).toEqual([]);
      } finally {
        await system.stop();
      }
    },
  );
});
