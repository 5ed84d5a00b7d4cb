/** Clusters for tests of the whole system: the embedded Kubernetes and a real kube-apiserver, each with a node. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';

import { createEmbeddedKubernetes } from '../../src/embedded/kubernetes/embedded-kubernetes.ts';
import { createKubelet } from '../../src/embedded/kubernetes/kubelet/kubelet.ts';
import { startKubeApiserver } from './kube-apiserver.ts';

export interface TestCluster {
  kubeconfigPath: string;
  /** A client with all rights, to check what the system did and to change objects by hand. */
  api: CoreV1Api;
  stop(): Promise<void>;
}

export interface ClusterKind {
  name: string;
  start(): Promise<TestCluster>;
}

const embedded: ClusterKind = {
  name: 'the embedded Kubernetes',
  async start() {
    const dataDir = await mkdtemp(join(tmpdir(), 'opencode-cluster-'));
    const kubernetes = await createEmbeddedKubernetes({ dataDir, port: 0 });
    return {
      kubeconfigPath: kubernetes.kubeconfigPath,
      api: createAdministrator(kubernetes.kubeconfigPath),
      async stop() {
        await kubernetes.stop();
        await rm(dataDir, { recursive: true, force: true });
      },
    };
  },
};

const real = (assetsDir: string): ClusterKind => ({
  name: 'a real kube-apiserver',
  async start() {
    const apiserver = await startKubeApiserver({ assetsDir });
    const api = createAdministrator(apiserver.kubeconfigPath);
    await api.createNamespace({ body: { metadata: { name: 'opencode' } } });
    const kubelet = createKubelet({ kubeconfigPath: apiserver.kubeconfigPath });
    await kubelet.start();
    return {
      kubeconfigPath: apiserver.kubeconfigPath,
      api,
      async stop() {
        await kubelet.stop();
        await apiserver.stop();
      },
    };
  },
});

const assetsDir = process.env['KUBEBUILDER_ASSETS'] ?? '';

/** The embedded Kubernetes, and a real kube-apiserver when KUBEBUILDER_ASSETS is set. The test run prints which. */
export const clusterKinds: ClusterKind[] = assetsDir === '' ? [embedded] : [embedded, real(assetsDir)];

export function createAdministrator(kubeconfigPath: string): CoreV1Api {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(kubeconfigPath);
  return kubeConfig.makeApiClient(CoreV1Api);
}
