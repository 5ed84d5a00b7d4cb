/**
 * The Kubernetes of `npm start`: the API, its kubelet, and the files that keep both between runs. It owns the folder
 * `<dataDir>/kubernetes` and the file `<dataDir>/kubeconfig`. Where pods are simulated, it must not pretend to run them: the
 * node and the logs say so. The API and the kubelet communicate over HTTPS only.
 */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { loadCredentials, writePrivately } from './api/credentials.ts';
import { openJournal } from './api/journal.ts';
import { writeKubeconfig } from './api/kubeconfig.ts';
import { createKubernetesApi, type KubernetesApi, type KubernetesApiOptions } from './api/kubernetes-api.ts';
import type { ContainerLog } from './api/pod-subresources.ts';
import { createKubelet, type KubeletOptions } from './kubelet/kubelet.ts';
import { defaultStorageClass } from './kubelet/provision-volume.ts';
import { acceptsPod, createProcessLog, type ProcessRuntimeOptions } from './kubelet/runtime/process/process-runtime.ts';
import { containerLog } from './kubelet/runtime/simulated/container-log.ts';
import { refusalOf } from './kubelet/runtime/simulated/scenarios.ts';

export interface EmbeddedKubernetesOptions {
  /** The folder with the data of the embedded services; created if missing. */
  dataDir: string;
  /** A port, or 0 for any free one. Unless given: the port of the last run if it is free, else any free one. */
  port?: number;
  host?: string;
  /** The namespace of the kubeconfig's context; created if missing. */
  namespace?: string;
  log?: (line: string) => void;
  kubeletOptions?: Omit<KubeletOptions, 'connection' | 'kubeConfig' | 'kubeconfigPath'>;
  /** How pods run as processes; every pod is simulated unless given. */
  runtime?: Omit<ProcessRuntimeOptions, 'dataDir'> | undefined;
  apiOptions?: Pick<KubernetesApiOptions, 'bookmarkIntervalMs' | 'eventLifetimeMs' | 'historyLimit'>;
}

export interface EmbeddedKubernetes {
  url: string;
  kubeconfigPath: string;
  stop: () => Promise<void>;
  /** Forgets the history of changes, as a real cluster does every few minutes. */
  compact: () => void;
}

/**
 * Starts the embedded Kubernetes. Resolves when its API answers and its node is ready.
 *
 * All objects survive a restart, also after the process was killed. Rejects when the port is in use or the folder cannot
 * be written.
 */
export async function createEmbeddedKubernetes(options: EmbeddedKubernetesOptions): Promise<EmbeddedKubernetes> {
  const host = options.host ?? '127.0.0.1';
  const namespace = options.namespace ?? 'opencode';
  const directory = path.join(options.dataDir, 'kubernetes');
  const journal = openJournal(directory);
  const credentials = await loadCredentials(directory, ['localhost', '127.0.0.1']);
  const portFile = path.join(directory, 'port');

  const api = await startApi(
    {
      credentials,
      journal,
      host,
      port: options.port ?? 0,
      containerLog: chooseLog(options),
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
    processes: options.runtime && { ...options.runtime, dataDir: options.dataDir },
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

/** The logs of processes for the pods that run as processes, and computed lines for the others. */
function chooseLog({ runtime, dataDir }: EmbeddedKubernetesOptions): ContainerLog {
  if (runtime === undefined) return containerLog;
  const processLog = createProcessLog(dataDir);
  return (pod, container, options) => (acceptsPod(pod) ? processLog : containerLog)(pod, container, options);
}

/** Uses the port of the last run, so that kubeconfig files stay valid, or any port when that one is in use. */
async function startApi(options: KubernetesApiOptions, preferredPort: number | undefined): Promise<KubernetesApi> {
  if (preferredPort === undefined) return await createKubernetesApi(options);
  try {
    return await createKubernetesApi({ ...options, port: preferredPort });
  } catch (error) {
    options.log?.(
      `Port ${preferredPort} of the last run is not free (${String(error)}); the embedded Kubernetes takes another one.`,
    );
    return await createKubernetesApi(options);
  }
}

function lastPort(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  const port = Number(readFileSync(file, 'utf8').trim());
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
}
