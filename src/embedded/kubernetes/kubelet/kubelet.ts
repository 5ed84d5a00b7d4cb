/**
 * The kubelet, the scheduler and the volume controller of the embedded cluster, in one program. All that it knows comes
 * from watches of the Kubernetes API, and all that it does is written there. So the same program also drives a real
 * kube-apiserver. Its loops: one watch for each kind of object, one work queue for each of its four tasks, and the
 * heartbeat of the node. It must not keep state that matters, because it can be stopped at any moment. It must not touch
 * the pods of other nodes or the volumes of other provisioners.
 */

import type { KubeConfig } from '@kubernetes/client-node';

import { systemClock, type Clock } from '../../../shared/clock.ts';
import { textAt, type KubeObject } from '../api/kube-object.ts';
import { createApiClient, isFailure, type ApiClient } from './api-client.ts';
import { connectionOf, connectionOfFile, type ApiConnection } from './api-connection.ts';
import { defaultDelays, type KubeletDelays } from './delays.ts';
import { createEventRecorder } from './event-recorder.ts';
import {
  defaultCapacity,
  keepHeartbeat,
  machineCapacity,
  registerNode,
  type NodeCapacity,
} from './node-registration.ts';
import { claimsOf, createPodIndex, hasEnded } from './pod-index.ts';
import { podAddress } from './pod-status.ts';
import { createPodWorker } from './pod-worker.ts';
import { defaultStorageClass } from './provision-volume.ts';
import { createReflector, type Reflector, type ReflectorOptions } from './reflector.ts';
import {
  createProcessRuntime,
  type ProcessRuntime,
  type ProcessRuntimeOptions,
} from './runtime/process/process-runtime.ts';
import { createSimulatedRuntime } from './runtime/simulated/simulated-runtime.ts';
import { createScheduler, isSchedulable } from './scheduler.ts';
import { sleep } from './sleep.ts';
import { createVolumeController } from './volume-controller.ts';
import { createWorkQueue } from './work-queue.ts';

export interface KubeletOptions {
  /** The address and the credentials of the API: give one of these three. */
  kubeconfigPath?: string;
  kubeConfig?: KubeConfig;
  connection?: ApiConnection;
  nodeName?: string;
  /** Only the delays that differ from the defaults. */
  delays?: Partial<KubeletDelays>;
  capacity?: NodeCapacity;
  clock?: Clock;
  log?: (line: string) => void;
  /** How pods run as processes; every pod is simulated unless given. */
  processes?: ProcessRuntimeOptions | undefined;
  /** Called every two seconds while a pod waits for the memory of others. */
  onMemoryFull?: ((pod: KubeObject) => void) | undefined;
  /** The IP address of a simulated pod, by its uid. Nothing listens at those of the default. */
  addressOf?: (uid: string) => string;
}

export interface Kubelet {
  /** Resolves when the node is registered and everything is watched. It waits until the API answers. */
  start: () => Promise<void>;
  /** Ends everything at once. Pods stay as they are, and the next start continues with them. */
  stop: () => Promise<void>;
}

/** Creates a kubelet, which can be started once. */
export function createKubelet(options: KubeletOptions): Kubelet {
  const stopping = new AbortController();
  let client: ApiClient | undefined;
  let processes: ProcessRuntime | undefined;

  return {
    async start() {
      client = createApiClient({ connection: await connect(options), userAgent: 'opencode-embedded-kubelet' });
      await runKubelet(client, stopping.signal, {
        ...options,
        onProcesses: (runtime) => (processes = runtime),
      });
    },
    async stop() {
      stopping.abort();
      client?.close();
      await processes?.close();
    },
  };
}

async function connect({ connection, kubeConfig, kubeconfigPath }: KubeletOptions): Promise<ApiConnection> {
  if (connection !== undefined) return connection;
  if (kubeConfig !== undefined) return await connectionOf(kubeConfig);
  if (kubeconfigPath !== undefined) return await connectionOfFile(kubeconfigPath);
  throw new Error('A kubelet needs connection, kubeConfig or kubeconfigPath.');
}

type RunOptions = KubeletOptions & { onProcesses: (runtime: ProcessRuntime) => void };

async function runKubelet(client: ApiClient, signal: AbortSignal, options: RunOptions): Promise<void> {
  const context: Context = {
    client,
    signal,
    clock: options.clock ?? systemClock,
    delays: { ...defaultDelays, ...options.delays },
    nodeName: options.nodeName ?? 'embedded',
    log: options.log ?? (() => undefined),
    processes: options.processes,
    addressOf: options.addressOf ?? podAddress,
    onProcesses: options.onProcesses,
    onMemoryFull: options.onMemoryFull,
  };
  const runtimeName = options.processes === undefined ? 'none' : 'process';
  const usual = options.processes === undefined ? defaultCapacity : machineCapacity();
  const node = { ...context, runtimeName, capacity: options.capacity ?? usual };
  await registerWithRetries(context, async () => {
    await registerNode(node);
    await ensureStorageClass(client, signal);
  });
  await startControllers(context);
  void keepHeartbeat(node);
}

interface Context {
  client: ApiClient;
  signal: AbortSignal;
  clock: Clock;
  delays: KubeletDelays;
  nodeName: string;
  log: (line: string) => void;
  processes: ProcessRuntimeOptions | undefined;
  addressOf: (uid: string) => string;
  onProcesses: (runtime: ProcessRuntime) => void;
  onMemoryFull: KubeletOptions['onMemoryFull'];
}

/** Connects watches, work queues and controllers, and resolves when everything is listed. */
async function startControllers(context: Context): Promise<void> {
  const { client, signal, clock, delays, nodeName, log } = context;
  const reflect = (path: string, onChange: ReflectorOptions['onChange']): Reflector =>
    createReflector({ client, signal, log, path, onChange });
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
    // A pod without a node may have waited for this change of its claim.
    for (const pod of index.usersOf(key)) if (unscheduled.has(pod)) schedulerQueue.add(pod, 1);
  });
  const pods = reflect('/api/v1/pods', (key, pod, previous) => {
    index.observe(key, pod, previous);
    if (pod !== undefined && isSchedulable(pod)) {
      // The first attempt waits a little, so that a person can see the pod pending.
      if (!unscheduled.has(key)) schedulerQueue.add(key, Math.max(1, delays.scheduleMs));
      unscheduled.add(key);
    } else unscheduled.delete(key);
    podQueue.add(key);
    if (pod !== undefined && !hasEnded(pod)) return;
    const ended = pod ?? previous;
    for (const claim of ended === undefined ? [] : claimsOf(ended)) claimQueue.add(claim);
    for (const other of unscheduled) schedulerQueue.add(other, 1);
  });

  const events = createEventRecorder({ client, clock, signal, log, host: nodeName });
  const shared = { client, clock, signal, events, delays, nodeName };
  const queue = { clock, signal, log };
  const scheduler = createScheduler({
    ...shared,
    pods,
    index,
    claims,
    nodes,
    classes,
    onMemoryFull: context.onMemoryFull,
  });
  const requeue = (key: string): void => podQueue.add(key);
  const processes = context.processes && createProcessRuntime(context.processes, { client, clock, delays, requeue });
  if (processes !== undefined) context.onProcesses(processes);
  const simulated = createSimulatedRuntime({ clock, delays, addressOf: context.addressOf });
  const folders = processes?.volumes;
  const controller = createVolumeController({ ...shared, folders, pods, index, claims, volumes, classes });
  const schedulerQueue = createWorkQueue({ ...queue, handle: scheduler.sync });
  const claimQueue = createWorkQueue({ ...queue, handle: controller.syncClaim });
  const volumeQueue = createWorkQueue({ ...queue, handle: controller.syncVolume });
  const podQueue = createWorkQueue({
    ...queue,
    handle: createPodWorker({ ...shared, simulated, processes, pods }).sync,
  });

  // Claims and pods are listed before volumes: a volume without a claim is deleted, so the claims must be known.
  await Promise.all([nodes.start(), classes.start()]);
  await claims.start();
  await pods.start();
  processes?.sweep(new Set(Array.from(pods.all(), (pod) => pod.metadata.uid)));
  await volumes.start();
}

/** Repeats the action until it succeeds, because the API may still be starting. */
async function registerWithRetries({ signal, log }: Context, action: () => Promise<void>): Promise<void> {
  for (let delayMs = 100; !signal.aborted; delayMs = Math.min(delayMs * 2, 5000)) {
    try {
      await action();
      return;
    } catch (error) {
      if (signal.aborted) return;
      log(
        `The node could not be registered (${error instanceof Error ? error.message : String(error)}); trying again.`,
      );
      await sleep(delayMs, signal);
    }
  }
}

async function ensureStorageClass(client: ApiClient, signal: AbortSignal): Promise<void> {
  try {
    await client.call('POST', '/apis/storage.k8s.io/v1/storageclasses', { body: defaultStorageClass, signal });
  } catch (error) {
    if (!isFailure(error, 409)) throw error;
  }
}
