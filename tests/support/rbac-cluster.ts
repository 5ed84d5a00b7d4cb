/** A cluster with RBAC: a real kube-apiserver with our kubelet, and a kubeconfig of the worker's service account. */

import { KubeConfig, RbacAuthorizationV1Api, type CoreV1Api } from '@kubernetes/client-node';

import { createKubelet } from '../../src/embedded/kubernetes/kubelet/kubelet.ts';
import { createAdministrator } from './clusters.ts';
import { startKubeApiserver } from './kube-apiserver.ts';

export interface RbacCluster {
  api: CoreV1Api;
  rights: RbacAuthorizationV1Api;
  /** Of the service account of k8s/base, which has no rights until it is given some. */
  workerKubeconfigPath: string;
  stop(): Promise<void>;
}

const assetsDir = process.env['KUBEBUILDER_ASSETS'] ?? '';

export const hasRbacCluster = assetsDir !== '';

export async function startRbacCluster(): Promise<RbacCluster> {
  const apiserver = await startKubeApiserver({ assetsDir });
  const kubelet = createKubelet({
    kubeconfigPath: apiserver.kubeconfigPath,
    delays: { scheduleMs: 1, provisionMs: 1, pullMs: 1, createMs: 1, startupMs: 1, readyMs: 1, stopMs: 20 },
  });
  await kubelet.start();
  return {
    ...administrators(apiserver.kubeconfigPath),
    workerKubeconfigPath: apiserver.kubeconfigOf('worker'),
    async stop() {
      await kubelet.stop();
      await apiserver.stop();
    },
  };
}

function administrators(kubeconfigPath: string): Pick<RbacCluster, 'api' | 'rights'> {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(kubeconfigPath);
  return { api: createAdministrator(kubeconfigPath), rights: kubeConfig.makeApiClient(RbacAuthorizationV1Api) };
}
