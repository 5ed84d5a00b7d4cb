/** The Kubernetes API of a chaos run, with a fast node. It is a real kube-apiserver when KUBEBUILDER_ASSETS names one. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

import type { CoreV1Api } from '@kubernetes/client-node';

import { createEmbeddedKubernetes } from '../../src/embedded/kubernetes/embedded-kubernetes.ts';
import { createKubelet } from '../../src/embedded/kubernetes/kubelet/kubelet.ts';
import { createAdministrator } from '../support/clusters.ts';
import { startKubeApiserver } from '../support/kube-apiserver.ts';
import { agentAddress } from './agent-address.ts';

export const namespace = 'opencode';

export interface ChaosCluster {
  description: string;
  kubeconfigPath: string;
  /** A client that no fault affects. */
  api: CoreV1Api;
  stop(): Promise<void>;
}

const quick = { scheduleMs: 1, provisionMs: 1, pullMs: 1, createMs: 1, startupMs: 1, readyMs: 1, stopMs: 20 };
const delays = { ...quick, settleMs: 20, probeSecondMs: 10 };

export async function startChaosCluster(): Promise<ChaosCluster> {
  const assetsDir = process.env['KUBEBUILDER_ASSETS'] ?? '';
  return assetsDir === '' ? startEmbedded() : startReal(assetsDir);
}

async function startEmbedded(): Promise<ChaosCluster> {
  const dataDir = await mkdtemp(join(tmpdir(), 'opencode-chaos-cluster-'));
  const kubernetes = await createEmbeddedKubernetes({
    dataDir,
    port: 0,
    kubeletOptions: { delays, addressOf: agentAddress },
  });
  return {
    description: 'the embedded Kubernetes',
    kubeconfigPath: kubernetes.kubeconfigPath,
    api: createAdministrator(kubernetes.kubeconfigPath),
    async stop() {
      await kubernetes.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function startReal(assetsDir: string): Promise<ChaosCluster> {
  const apiserver = await startKubeApiserver({ assetsDir });
  const kubelet = createKubelet({ kubeconfigPath: apiserver.kubeconfigPath, delays, addressOf: agentAddress });
  const stop = async () => {
    await kubelet.stop();
    await apiserver.stop();
  };
  try {
    const api = createAdministrator(apiserver.kubeconfigPath);
    await api.createNamespace({ body: { metadata: { name: namespace } } });
    await kubelet.start();
    return { description: 'a real kube-apiserver', kubeconfigPath: apiserver.kubeconfigPath, api, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
