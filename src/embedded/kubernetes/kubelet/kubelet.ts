/**
 * The kubelet, the scheduler and the volume controller of the embedded cluster, in one program. It owns nothing: all it
 * knows it reads from the Kubernetes API by watches, and all it does it writes there, so the same program drives the
 * embedded API and a real kube-apiserver. Its loops: one watch for each kind of object, one queue for each of its four
 * tasks, and the node's sign of life. It must never keep state that matters, for it may be stopped at any moment, and it
 * must never touch pods of other nodes or volumes of other provisioners.
 */

import type { KubeConfig } from '@kubernetes/client-node';

import { textAt, type KubeObject } from '../api/kube-object.ts';
import { createApiClient, isFailure, type ApiClient } from './api-client.ts';
import { connectionOf, connectionOfFile, type ApiConnection } from './api-connection.ts';
import { sleep, systemClock, type Clock } from './clock.ts';
import { defaultDelays, type KubeletDelays } from './delays.ts';
import { createEventRecorder } from './event-recorder.ts';
import { defaultCapacity, registerNode, reportNode, type NodeCapacity } from './node-registration.ts';
import { claimsOf, createPodIndex, hasEnded } from './pod-index.ts';
import { createPodWorker } from './pod-worker.ts';
import { createReflector, type Reflector } from './reflector.ts';
import { createScheduler, isSchedulable } from './scheduler.ts';
import { createVolumeController, defaultStorageClass } from './volume-controller.ts';
import { createWorkQueue } from './work-queue.ts';

export interface KubeletOptions {
  /** One of the three names the API and the credentials. */
  kubeconfigPath?: string;
  kubeConfig?: KubeConfig;
  connection?: ApiConnection;
  nodeName?: string;
  /** Only those that differ from the defaults. */
  delays?: Partial<KubeletDelays>;
  capacity?: NodeCapacity;
  clock?: Clock;
  log?: (line: string) => void;
}

export interface Kubelet {
  /** Resolves once the node is registered and everything is watched; it waits for an API that is not there yet. */
  start: () => Promise<void>;
  /** Ends everything within a moment. Pods stay as they are; the next start goes on with them. */
  stop: () => Promise<void>;
}

/** Makes a kubelet; it can be started once. */
export function createKubelet(options: KubeletOptions): Kubelet {
  const stopping = new AbortController();
  let client: ApiClient | undefined;

  return {
    async start() {
      client = createApiClient({ connection: await connect(options), userAgent: 'opencode-embedded-kubelet' });
      await runKubelet(client, stopping.signal, options);
    },
    stop() {
      stopping.abort();
      client?.close();
      return Promise.resolve();
    },
  };
}

async function connect({ connection, kubeConfig, kubeconfigPath }: KubeletOptions): Promise<ApiConnection> {
  if (connection !== undefined) return connection;
  if (kubeConfig !== undefined) return await connectionOf(kubeConfig);
  if (kubeconfigPath !== undefined) return await connectionOfFile(kubeconfigPath);
  throw new Error('A kubelet needs connection, kubeConfig or kubeconfigPath.');
}

async function runKubelet(client: ApiClient, signal: AbortSignal, options: KubeletOptions): Promise<void> {
  const clock = options.clock ?? systemClock;
  const delays = { ...defaultDelays, ...options.delays };
  const nodeName = options.nodeName ?? 'embedded';
  const log = options.log ?? (() => undefined);
  const capacity = options.capacity ?? defaultCapacity;
  const node = { client, clock, signal, nodeName, capacity };
  await retried(async () => {
    await registerNode(node);
    await ensureStorageClass(client, signal);
  });

  const events = createEventRecorder({ client, clock, signal, log, host: nodeName });
  const reflect = (
    path: string,
    onChange: (key: string, object?: KubeObject, previous?: KubeObject) => void,
  ): Reflector => createReflector({ client, clock, signal, log, path, onChange });
  const unscheduled = new Set<string>();
  const index = createPodIndex(nodeName);

  const nodes = reflect('/api/v1/nodes', () => undefined);
  const classes = reflect('/apis/storage.k8s.io/v1/storageclasses', () => {
    for (const claim of claims.all()) claimQueue.add(`${claim.metadata.namespace}/${claim.metadata.name}`);
  });
  const volumes = reflect('/api/v1/persistentvolumes', (key) => volumeQueue.add(key));
  const claims = reflect('/api/v1/persistentvolumeclaims', (key, claim, previous) => {
    claimQueue.add(key);
    const volume = textAt(claim ?? previous, 'spec', 'volumeName');
    if (claim === undefined && volume !== '') volumeQueue.add(volume);
    // A claim that was bound, made or removed may be what a pod waits for.
    for (const pod of index.usersOf(key)) if (unscheduled.has(pod)) schedulerQueue.add(pod, 1);
  });
  const pods = reflect('/api/v1/pods', (key, pod, previous) => {
    index.observe(key, pod, previous);
    if (pod !== undefined && isSchedulable(pod)) {
      // A first look is put off a little, so that a person sees the pod pending.
      if (!unscheduled.has(key)) schedulerQueue.add(key, Math.max(1, delays.scheduleMs));
      unscheduled.add(key);
    } else unscheduled.delete(key);
    podQueue.add(key);
    if (pod !== undefined && !hasEnded(pod)) return;
    for (const claim of claimsOf(pod ?? previous ?? emptyPod)) claimQueue.add(claim);
    for (const other of unscheduled) schedulerQueue.add(other, 1);
  });

  const shared = { client, clock, signal, events, delays, nodeName };
  const scheduler = createScheduler({ ...shared, pods, index, claims, nodes, classes });
  const controller = createVolumeController({ ...shared, pods, index, claims, volumes, classes });
  const worker = createPodWorker({ ...shared, pods });
  const queue = { clock, signal, log };
  const schedulerQueue = createWorkQueue({ ...queue, handle: scheduler.sync });
  const claimQueue = createWorkQueue({ ...queue, handle: controller.syncClaim });
  const volumeQueue = createWorkQueue({ ...queue, handle: controller.syncVolume });
  const podQueue = createWorkQueue({ ...queue, handle: worker.sync });

  // Claims and pods before the volumes: a volume without a claim is removed, so claims must be known.
  await Promise.all([nodes.start(), classes.start()]);
  await claims.start();
  await pods.start();
  await volumes.start();
  void heartbeat();

  async function heartbeat(): Promise<void> {
    while (!signal.aborted) {
      // One sign of life after the other.
      await sleep(clock, delays.heartbeatMs, signal);
      await reportNode(node)
        // Somebody may have deleted the node; as long as its kubelet lives, it comes back.
        .catch(async (error: unknown) => {
          if (!isFailure(error, 404)) throw error;
          await registerNode(node);
        })
        .catch((error: unknown) => {
          if (!signal.aborted) log(`The node could not be reported: ${String(error)}`);
        });
    }
  }

  /** Until it succeeds: an API that is still starting is no reason to give up. */
  async function retried(action: () => Promise<void>): Promise<void> {
    for (let delayMs = 100; !signal.aborted; delayMs = Math.min(delayMs * 2, 5000)) {
      try {
        // Each attempt waits for the one before.
        await action();
        return;
      } catch (error) {
        if (signal.aborted) return;
        log(
          `The node could not be registered (${error instanceof Error ? error.message : String(error)}); trying again.`,
        );
        await sleep(clock, delayMs, signal);
      }
    }
  }
}

const emptyPod: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: '', uid: '', resourceVersion: '', creationTimestamp: '' },
};

async function ensureStorageClass(client: ApiClient, signal: AbortSignal): Promise<void> {
  try {
    await client.call('POST', '/apis/storage.k8s.io/v1/storageclasses', { body: defaultStorageClass, signal });
  } catch (error) {
    if (!isFailure(error, 409)) throw error;
  }
}
