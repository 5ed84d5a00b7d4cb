/** The Kubernetes APIs on which the contract tests run. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { loadCredentials } from '../../src/embedded/kubernetes/api/credentials.ts';
import { writeKubeconfig } from '../../src/embedded/kubernetes/api/kubeconfig.ts';
import { createKubernetesApi } from '../../src/embedded/kubernetes/api/kubernetes-api.ts';
import { containerLog } from '../../src/embedded/kubernetes/kubelet/runtime/simulated/container-log.ts';
import { startKubeApiserver } from '../support/kube-apiserver.ts';

/** A running Kubernetes API without a kubelet. */
export interface RunningTarget {
  kubeconfigPath: string;
  /** Makes it forget the history of changes. */
  compact: () => Promise<void>;
  stop: () => Promise<void>;
}

export interface Target {
  name: string;
  start: () => Promise<RunningTarget>;
}

const embedded: Target = {
  name: 'the embedded Kubernetes API',
  start: async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'embedded-kubernetes-'));
    const credentials = await loadCredentials(directory, ['localhost', '127.0.0.1']);
    const api = await createKubernetesApi({ credentials, port: 0, host: '127.0.0.1', containerLog });
    for (const name of ['default', 'kube-system']) {
      api.ensure('namespaces', undefined, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    }
    const kubeconfigPath = path.join(directory, 'kubeconfig');
    writeKubeconfig(kubeconfigPath, {
      name: 'embedded',
      url: `https://127.0.0.1:${api.port}`,
      namespace: 'default',
      caCertificate: credentials.caCertificate,
      token: credentials.token,
    });
    return {
      kubeconfigPath,
      compact: async () => {
        api.compact();
        await Promise.resolve();
      },
      stop: async () => {
        await api.stop();
        await rm(directory, { recursive: true, force: true });
      },
    };
  },
};

const assetsDir = process.env['KUBEBUILDER_ASSETS'] ?? '';

/**
 * The embedded API, and a real kube-apiserver when KUBEBUILDER_ASSETS names a folder with one. The first lines of the test
 * run say which.
 */
export const targets: Target[] =
  assetsDir === ''
    ? [embedded]
    : [embedded, { name: 'a real kube-apiserver', start: async () => await startKubeApiserver({ assetsDir }) }];
