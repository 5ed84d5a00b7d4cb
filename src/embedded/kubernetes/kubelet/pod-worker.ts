/**
 * Runs the pods of one node: it lets a container runtime take the steps of their containers, writes their status and events, and
 * finishes their deletion. Which runtime a pod has follows from the pod alone.
 */

import type { Clock } from '../../../shared/clock.ts';
import {
  isJsonObject,
  objectsAt,
  sameJson,
  textAt,
  withoutNulls,
  type JsonObject,
  type KubeObject,
} from '../api/kube-object.ts';
import { isFailure, type ApiClient } from './api-client.ts';
import type { EventRecorder } from './event-recorder.ts';
import type { Reflector } from './reflector.ts';
import type { ContainerRuntime } from './runtime/container-runtime.ts';
import { runningContainers, type StepEvent } from './runtime/container-status.ts';
import type { ProcessRuntime } from './runtime/process/process-runtime.ts';
import type { SimulatedStep } from './runtime/simulated/pod-step.ts';
import { scenarioOfContainer, type Scenario } from './runtime/simulated/scenarios.ts';
import { evictedConditions, lostConditions } from './runtime/simulated/scripted-end.ts';

interface PodMemory {
  uid: string;
  /** Its deletion was reported. */
  isStopping?: boolean;
  hasStopped?: boolean;
  /** Its node no longer reports, so nothing more happens to the pod. */
  isLost?: boolean;
  /** The answer to the last write; the watch may still be behind it. */
  written?: KubeObject | undefined;
}

interface Deps {
  client: ApiClient;
  clock: Clock;
  signal: AbortSignal;
  pods: Pick<Reflector, 'get'>;
  events: EventRecorder;
  nodeName: string;
  simulated: ContainerRuntime<SimulatedStep>;
  /** The runtime for the pods that it accepts; undefined when every pod is simulated. */
  processes: ProcessRuntime | undefined;
}

const mergePatch = 'application/merge-patch+json';

export function createPodWorker(deps: Deps) {
  const { client, clock, signal, pods, events, nodeName, simulated, processes } = deps;
  const memories = new Map<string, PodMemory>();
  /** Names of the pods that a scenario has evicted. The pod that replaces one has the same name and stays. */
  const evicted = new Set<string>();

  /** One step of one pod. Returns after how many milliseconds the next one is due, if any. */
  async function sync(key: string): Promise<number | undefined> {
    const pod = currentPod(key);
    if (pod === undefined || textAt(pod, 'spec', 'nodeName') !== nodeName) {
      forget(key);
      return undefined;
    }
    const memory = memoryOf(key, pod);
    try {
      if (pod.metadata.deletionTimestamp !== undefined) return await stop(pod, memory);
      return isFinal(pod) || memory.isLost === true ? undefined : await run(pod, memory);
    } catch (error) {
      // Deleted or changed by somebody else: the watch delivers the new state.
      if (isFailure(error, 404)) return undefined;
      if (isFailure(error, 409)) {
        memory.written = undefined;
        return 200;
      }
      throw error;
    }
  }

  function currentPod(key: string): KubeObject | undefined {
    const observed = pods.get(key);
    const written = memories.get(key)?.written;
    if (observed === undefined || written?.metadata.uid !== observed.metadata.uid) return observed;
    // The only place that compares versions as numbers: the last own write against what the watch has delivered.
    return Number(written.metadata.resourceVersion) > Number(observed.metadata.resourceVersion) ? written : observed;
  }

  function memoryOf(key: string, pod: KubeObject): PodMemory {
    const known = memories.get(key);
    if (known?.uid === pod.metadata.uid) return known;
    forget(key);
    const memory: PodMemory = { uid: pod.metadata.uid };
    memories.set(key, memory);
    return memory;
  }

  function forget(key: string): void {
    const uid = memories.get(key)?.uid;
    memories.delete(key);
    if (uid === undefined) return;
    simulated.remove(uid);
    processes?.remove(uid);
  }

  async function run(pod: KubeObject, memory: PodMemory): Promise<number | undefined> {
    return processes?.accepts(pod) === true ? await runProcesses(processes, pod, memory) : await simulate(pod, memory);
  }

  async function runProcesses(
    runtime: ProcessRuntime,
    pod: KubeObject,
    memory: PodMemory,
  ): Promise<number | undefined> {
    const step = await runtime.step(pod);
    for (const { event, fieldPath } of step.events) record(pod, event, fieldPath);
    await writeStatus(pod, memory, step.status);
    return step.retryAfterMs;
  }

  async function simulate(pod: KubeObject, memory: PodMemory): Promise<number | undefined> {
    if (isIgnoredByNode(pod)) return undefined;
    const step = await simulated.step(pod);
    for (const { event, fieldPath } of step.events) record(pod, event, fieldPath);
    const end = step.scriptedEnd;
    if (end !== undefined && end.dueInMs <= 0 && !evicted.has(pod.metadata.name)) {
      await endByScenario(pod, memory, { status: step.status, scenario: end.scenario });
      return undefined;
    }
    await writeStatus(pod, memory, step.status);
    if (end === undefined || end.dueInMs <= 0) return step.retryAfterMs;
    return Math.min(step.retryAfterMs ?? Infinity, end.dueInMs);
  }

  async function endByScenario(
    pod: KubeObject,
    memory: PodMemory,
    { status, scenario }: { status: JsonObject; scenario: Scenario },
  ): Promise<void> {
    const { leaves, podEnd } = scenario;
    if (leaves !== undefined) {
      evicted.add(pod.metadata.name);
      await evict(pod, status, leaves);
    } else if (podEnd !== undefined) {
      events.record({ about: pod, type: 'Warning', ...podEnd, component: 'kubelet' });
      await writeStatus(pod, memory, { ...status, phase: 'Failed', ...podEnd });
    } else {
      memory.isLost = true;
      const [reason, message] = ['NodeNotReady', 'Node is not ready'];
      events.record({ about: pod, type: 'Warning', reason, message, component: 'node-controller' });
      await writeStatus(pod, memory, { ...status, conditions: lostConditions(status, clock.now()) });
    }
  }

  /** Gives the reason in the conditions of the pod, then deletes it. */
  async function evict(pod: KubeObject, status: JsonObject, leaves: NonNullable<Scenario['leaves']>): Promise<void> {
    const { event, message } = leaves;
    if (event !== undefined) events.record({ about: pod, type: 'Normal', message, ...event });
    const { uid } = pod.metadata;
    await client.call('PATCH', `${pathOf(pod)}/status`, {
      contentType: mergePatch,
      body: { metadata: { uid }, status: { ...status, conditions: evictedConditions(status, leaves, clock.now()) } },
      signal,
    });
    await client.call('DELETE', pathOf(pod), { body: { preconditions: { uid } }, signal });
  }

  function record(pod: KubeObject, { type, reason, message }: StepEvent, fieldPath: string | undefined): void {
    events.record({ about: pod, type, reason, message, component: 'kubelet', fieldPath });
  }

  async function writeStatus(pod: KubeObject, memory: PodMemory, status: JsonObject): Promise<void> {
    if (sameJson(withoutNulls(status), withoutNulls(isJsonObject(pod['status']) ? pod['status'] : {}))) return;
    const written = await client.call('PATCH', `${pathOf(pod)}/status`, {
      contentType: mergePatch,
      // With the uid, the API refuses the write when another pod has taken the name.
      body: { metadata: { uid: pod.metadata.uid }, status },
      signal,
    });
    // The API answers a patch of a pod with the pod.
    memory.written = written as KubeObject;
  }

  /** Stops the containers, then finishes the deletion of the pod. */
  async function stop(pod: KubeObject, memory: PodMemory): Promise<number | undefined> {
    if (memory.isStopping !== true) {
      memory.isStopping = true;
      for (const { name, path } of runningContainers(pod)) {
        record(pod, { type: 'Normal', reason: 'Killing', message: `Stopping container ${name}` }, path);
      }
    }
    const graceMs = (pod.metadata.deletionGracePeriodSeconds ?? 0) * 1000;
    const runtime = processes?.accepts(pod) === true ? processes : simulated;
    const result = runtime.stop(pod, graceMs);
    if ('retryAfterMs' in result) return result.retryAfterMs;
    if (runningContainers(pod).length > 0) await writeStatus(pod, memory, result.status);
    // Only a finalizer still keeps the pod.
    if (memory.hasStopped === true) return undefined;
    await client.call('DELETE', pathOf(pod), {
      body: {
        kind: 'DeleteOptions',
        apiVersion: 'v1',
        gracePeriodSeconds: 0,
        preconditions: { uid: pod.metadata.uid },
      },
      signal,
    });
    memory.hasStopped = true;
    return undefined;
  }

  return { sync };
}

function isFinal(pod: KubeObject): boolean {
  return ['Succeeded', 'Failed', 'Unknown'].includes(textAt(pod, 'status', 'phase'));
}

function isIgnoredByNode(pod: KubeObject): boolean {
  return objectsAt(pod, 'spec', 'containers').some((container) => scenarioOfContainer(container).silent === 'node');
}

function pathOf(pod: KubeObject): string {
  return `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`;
}
