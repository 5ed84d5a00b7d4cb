/**
 * The worker's rights (k8s/base/worker-role.yaml) on a real kube-apiserver with RBAC: enough, and not one verb too many. Also
 * a part of `npm run lab`, with a whole cluster behind it.
 */

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { loadAllYaml, type KubernetesObject, type V1Role, type V1RoleBinding } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { isCall, type Plural, type Verb } from '../../support/kubernetes-refusal.ts';
import { hasRbacCluster, isLab, startRbacCluster, type RbacCluster } from '../../support/rbac-cluster.ts';
import { createWorkerSystem, type WorkerSystem } from '../../support/worker-system.ts';

const manifest = readFileSync(new URL('../../../k8s/base/worker-role.yaml', import.meta.url), 'utf8');
const objects: KubernetesObject[] = loadAllYaml(manifest);
const role = objects.find(({ kind }) => kind === 'Role') as V1Role;
const binding = objects.find(({ kind }) => kind === 'RoleBinding') as V1RoleBinding;
/** In Kubernetes' words, with the requests that they allow. */
const requestOf: Record<string, Verb> = { get: 'GET', list: 'LIST', watch: 'WATCH', create: 'POST', delete: 'DELETE' };
const grants = (role.rules ?? []).flatMap(({ resources = [], verbs }) =>
  resources.flatMap((resource) => verbs.map((verb) => ({ verb, resource: resource as Plural }))),
);

// In the lab the cores carry a kubelet and what it runs besides.
vi.setConfig({ testTimeout: 180_000, maxConcurrency: isLab ? 1 : 3 });

describe.skipIf(!hasRbacCluster)('the rights of the worker', () => {
  let cluster: RbacCluster;

  beforeAll(async () => {
    cluster = await startRbacCluster();
  });
  afterAll(() => cluster.stop());

  /** A namespace with the role of the manifest, less one verb on one resource, and a worker that has no other rights. */
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
    await system.startWorker({ KUBE_NAMESPACE: namespace, ...cluster.workerEnv });
    return system;
  }

  // In the lab the whole system lives by these rights in tests/lab/system.lab.ts.
  it.skipIf(isLab)(
    'suffice for a whole life: create, stop, start, restart, delete, and for saying what goes on',
    async () => {
      const system = await startWith('enough');
      try {
        const { id } = await system.create({ namespace: 'enough' });
        await system.until(id, { status: 'ready', observedGeneration: 1 });
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
    },
  );

  it.concurrent.for(grants)('are missed without "$verb" on $resource', async ({ verb, resource }) => {
    const namespace = `no-${verb}-${resource}-${randomUUID().slice(0, 8)}`; // a second try finds it free
    const system = await startWith(namespace, { verb, resource });
    const isMissed = isCall(requestOf[verb] ?? 'GET', resource);
    const refused = () => system.kubernetes.requests.filter((request) => request.status === 403);
    const untilRefused = async (timeout: number) =>
      vi.waitFor(() => expect(refused().some(isMissed)).toBe(true), { timeout, interval: 50 });
    try {
      const { id } = await system.create({ namespace });
      // What is not missed at the beginning of a life is missed at its end.
      await untilRefused(5_000).catch(async () => {
        await system.command(id, 'delete');
        await untilRefused(20_000);
      });
      expect(refused().filter((request) => !isMissed(request))).toEqual([]);
    } finally {
      await system.stop();
    }
  });
});
