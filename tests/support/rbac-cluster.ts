/**
 * A cluster on which RBAC is on, and a worker's own way to it: a real kube-apiserver with our kubelet, or the whole cluster of
 * `npm run lab`, when LAB_KUBECONFIG names an administrator's kubeconfig of it.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { KubeConfig, RbacAuthorizationV1Api, type CoreV1Api } from '@kubernetes/client-node';

import { writeKubeconfig } from '../../src/embedded/kubernetes/api/kubeconfig.ts';
import { createKubelet } from '../../src/embedded/kubernetes/kubelet/kubelet.ts';
import { createAdministrator } from './clusters.ts';
import { startKubeApiserver } from './kube-apiserver.ts';

export interface RbacCluster {
  api: CoreV1Api;
  rights: RbacAuthorizationV1Api;
  /** Of the service account of k8s/base, which has no rights until it is given some. */
  workerKubeconfigPath: string;
  /** What a worker needs to know to make pods that run there. */
  workerEnv: Record<string, string>;
  stop(): Promise<void>;
}

const labKubeconfigPath = process.env['LAB_KUBECONFIG'] ?? '';
const assetsDir = process.env['KUBEBUILDER_ASSETS'] ?? '';

export const isLab = labKubeconfigPath !== '';
export const hasRbacCluster = isLab || assetsDir !== '';

export const startRbacCluster = (): Promise<RbacCluster> => (isLab ? enterLab() : startOwn());

async function startOwn(): Promise<RbacCluster> {
  const apiserver = await startKubeApiserver({ assetsDir });
  const kubelet = createKubelet({
    kubeconfigPath: apiserver.kubeconfigPath,
    delays: { scheduleMs: 1, provisionMs: 1, pullMs: 1, createMs: 1, startupMs: 1, readyMs: 1, stopMs: 20 },
  });
  await kubelet.start();
  return {
    ...administrators(apiserver.kubeconfigPath),
    workerKubeconfigPath: apiserver.kubeconfigOf('worker'),
    workerEnv: {},
    async stop() {
      await kubelet.stop();
      await apiserver.stop();
    },
  };
}

async function enterLab(): Promise<RbacCluster> {
  const { api, rights } = administrators(labKubeconfigPath);
  const account = { name: 'worker', namespace: 'opencode-system' };
  const { status } = await api.createNamespacedServiceAccountToken({ ...account, body: { spec: { audiences: [] } } });
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(labKubeconfigPath);
  const cluster = kubeConfig.getCurrentCluster();
  const caCertificate =
    cluster?.caData === undefined ? readFileSync(cluster?.caFile ?? '', 'utf8') : atob(cluster.caData);
  const folder = mkdtempSync(join(tmpdir(), 'lab-worker-'));
  const workerKubeconfigPath = join(folder, 'kubeconfig');
  writeKubeconfig(workerKubeconfigPath, {
    name: 'worker',
    url: cluster?.server ?? '',
    namespace: 'opencode',
    caCertificate,
    token: status?.token ?? '',
  });
  return {
    api,
    rights,
    workerKubeconfigPath,
    workerEnv: {
      OPENCODE_IMAGE: 'docker.io/opencode-project-manager/opencode:0.1.0',
      FILE_BROWSER_IMAGE: 'docker.io/opencode-project-manager/sidecars:0.1.0',
      SESSION_PROXY_IMAGE: 'docker.io/opencode-project-manager/sidecars:0.1.0',
    },
    stop: async () => rmSync(folder, { recursive: true }),
  };
}

function administrators(kubeconfigPath: string): Pick<RbacCluster, 'api' | 'rights'> {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(kubeconfigPath);
  return { api: createAdministrator(kubeconfigPath), rights: kubeConfig.makeApiClient(RbacAuthorizationV1Api) };
}
