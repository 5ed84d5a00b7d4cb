/**
 * The Kubernetes of `npm start`: the API, its kubelet, and the files that keep both between runs. It owns the folder
 * `<dataDir>/kubernetes` and the file `<dataDir>/kubeconfig`. It runs no container and must never pretend that it did:
 * the node, the logs and the README say so. The API and the kubelet meet over HTTPS only, like strangers.
 */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { loadCredentials, writePrivately } from './api/credentials.ts';
import { openJournal } from './api/journal.ts';
import { writeKubeconfig } from './api/kubeconfig.ts';
import { createKubernetesApi, type KubernetesApi, type KubernetesApiOptions } from './api/kubernetes-api.ts';
import { containerLog } from './kubelet/container-log.ts';
import { createKubelet, type KubeletOptions } from './kubelet/kubelet.ts';
import { refusalOf } from './kubelet/scenarios.ts';
import { defaultStorageClass } from './kubelet/volume-controller.ts';

export interface EmbeddedKubernetesOptions {
  /** Data of the embedded services; made if missing. */
  dataDir: string;
  /** A port, or 0 for any free one. Without it the port of the last run is taken if it is free. */
  port?: number;
  host?: string;
  /** Namespace of the kubeconfig's context; it is made if missing. */
  namespace?: string;
  log?: (line: string) => void;
  kubeletOptions?: Omit<KubeletOptions, 'connection' | 'kubeConfig' | 'kubeconfigPath'>;
  apiOptions?: Pick<KubernetesApiOptions, 'bookmarkIntervalMs' | 'eventLifetimeMs' | 'historyLimit'>;
}

export interface EmbeddedKubernetes {
  url: string;
  kubeconfigPath: string;
  stop: () => Promise<void>;
  /** Forgets the history of changes, as a real cluster does after some minutes. */
  compact: () => void;
}

/**
 * Starts the embedded Kubernetes and resolves once its API answers and its node is ready.
 *
 * Everything survives a stop and a start, a killed process included. Rejects when the port is taken or the folder
 * cannot be written.
 */
export async function createEmbeddedKubernetes(options: EmbeddedKubernetesOptions): Promise<EmbeddedKubernetes> {
  const host = options.host ?? '127.0.0.1';
  const namespace = options.namespace ?? 'opencode';
  const directory = path.join(options.dataDir, 'kubernetes');
  const journal = openJournal(directory);
  const credentials = await loadCredentials(directory, ['localhost', '127.0.0.1']);
  const portFile = path.join(directory, 'port');

  const api = await startApi(
    options,
    {
      credentials,
      journal,
      host,
      port: options.port ?? 0,
      containerLog,
      admit: refusalOf,
      log: options.log,
      ...options.apiOptions,
    },
    options.port === undefined ? lastPort(portFile) : undefined,
  );
  writePrivately(portFile, `${api.port}`);

  for (const name of new Set(['default', 'kube-system', namespace])) {
    api.ensure('namespaces', undefined, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  api.ensure('storageclasses', undefined, defaultStorageClass);

  const url = `https://${host === '0.0.0.0' ? '127.0.0.1' : host}:${api.port}`;
  const kubeconfigPath = path.join(options.dataDir, 'kubeconfig');
  writeKubeconfig(kubeconfigPath, {
    name: 'opencode-embedded',
    url,
    namespace,
    caCertificate: credentials.caCertificate,
    token: credentials.token,
  });
  const kubelet = createKubelet({
    ...(options.log ? { log: options.log } : {}),
    ...options.kubeletOptions,
    connection: {
      url,
      tls: { ca: credentials.caCertificate },
      headers: { authorization: `Bearer ${credentials.token}` },
    },
  });
  await kubelet.start();

  return {
    url,
    kubeconfigPath,
    compact: api.compact,
    async stop() {
      await kubelet.stop();
      await api.stop();
    },
  };
}

/** With the port of the last run, so that kubeconfigs stay valid, or with any port where somebody else has it now. */
async function startApi(
  { log }: EmbeddedKubernetesOptions,
  apiOptions: KubernetesApiOptions,
  preferredPort: number | undefined,
): Promise<KubernetesApi> {
  if (preferredPort === undefined) return await createKubernetesApi(apiOptions);
  try {
    return await createKubernetesApi({ ...apiOptions, port: preferredPort });
  } catch (error) {
    log?.(
      `Port ${preferredPort} of the last run is not free (${String(error)}); the embedded Kubernetes takes another one.`,
    );
    return await createKubernetesApi(apiOptions);
  }
}

function lastPort(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  const port = Number(readFileSync(file, 'utf8').trim());
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
}
