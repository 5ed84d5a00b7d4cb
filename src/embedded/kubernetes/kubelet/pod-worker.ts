import {
  isJsonObject,
  kubeTime,
  objectsAt,
  sameJson,
  textAt,
  valueAt,
  withoutNulls,
  type JsonObject,
  type KubeObject,
} from '../api/kube-object.ts';
import { isFailure, type ApiClient } from './api-client.ts';
import type { Clock } from './clock.ts';
import { stepContainer } from './container-step.ts';
import type { KubeletDelays } from './delays.ts';
import type { EventRecorder } from './event-recorder.ts';
import { initialContainerStatus, podAddress, podStatusOf } from './pod-status.ts';
import type { Reflector } from './reflector.ts';
import { scenarioOfContainer, scenarioOfInit, type Scenario } from './scenarios.ts';
import { terminated, type ContainerMemory, type StepEvent } from './step-result.ts';

interface PodMemory {
  uid: string;
  containers: Map<string, ContainerMemory>;
  /** When the wish to delete was first seen. */
  stoppingSinceMs?: number | undefined;
  hasStopped?: boolean;
  /** Its node is heard of no more. */
  isLost?: boolean;
  /** What our own last write returned; the watch may still be behind it. */
  written?: KubeObject | undefined;
}

interface Deps {
  client: ApiClient;
  clock: Clock;
  signal: AbortSignal;
  pods: Pick<Reflector, 'get'>;
  events: EventRecorder;
  delays: KubeletDelays;
  nodeName: string;
}

/** Lives the lives of the pods on one node. What it decides follows from the pod's own status, so it may be restarted. */
export function createPodWorker({ client, clock, signal, pods, events, delays, nodeName }: Deps) {
  const memories = new Map<string, PodMemory>();
  const images = new Set<string>();
  /** The pods that were asked to leave by a situation: once is enough. */
  const evicted = new Set<string>();

  /** One step of one pod; returns after how long to look again. */
  async function sync(key: string): Promise<number | undefined> {
    const pod = currentPod(key);
    if (pod === undefined || textAt(pod, 'spec', 'nodeName') !== nodeName) {
      memories.delete(key);
      return undefined;
    }
    const memory = memoryOf(key, pod);
    try {
      if (pod.metadata.deletionTimestamp !== undefined) return await stop(pod, memory);
      const phase = textAt(pod, 'status', 'phase');
      const isOver = phase === 'Succeeded' || phase === 'Failed' || phase === 'Unknown';
      return isOver || memory.isLost === true ? undefined : await run(pod, memory);
    } catch (error) {
      // Gone, or changed under our hands: the watch tells what it is now.
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
    // The one place where versions are compared as numbers: our own write against what the watch has told so far.
    return Number(written.metadata.resourceVersion) > Number(observed.metadata.resourceVersion) ? written : observed;
  }

  function memoryOf(key: string, pod: KubeObject): PodMemory {
    const known = memories.get(key);
    if (known?.uid === pod.metadata.uid) return known;
    const memory: PodMemory = { uid: pod.metadata.uid, containers: new Map() };
    memories.set(key, memory);
    return memory;
  }

  async function run(pod: KubeObject, memory: PodMemory): Promise<number | undefined> {
    const nowMs = clock.nowMs();
    const initSpecs = objectsAt(pod, 'spec', 'initContainers');
    const specs = objectsAt(pod, 'spec', 'containers');
    const scenarios = specs.map(scenarioOfContainer);
    if (scenarios.some(({ silent }) => silent === 'node')) return undefined;
    const known = new Map(
      [...objectsAt(pod, 'status', 'initContainerStatuses'), ...objectsAt(pod, 'status', 'containerStatuses')].map(
        (status) => [textAt(status, 'name'), status],
      ),
    );
    const told: { path: string; event: StepEvent }[] = [];
    let retryAfterMs: number | undefined;
    let isNodeBusy = false;
    const statusOf = (container: JsonObject): JsonObject =>
      known.get(textAt(container, 'name')) ?? initialContainerStatus(container, initSpecs.length > 0);
    /** One step of one container, whose new status it returns. */
    const step = (container: JsonObject, scenario: Scenario, isInit: boolean): JsonObject => {
      const name = textAt(container, 'name');
      const image = textAt(container, 'image');
      const result = stepContainer({
        container,
        status: statusOf(container),
        memory: containerMemory(memory, name),
        scenario,
        restartPolicy: textAt(pod, 'spec', 'restartPolicy'),
        pod: {
          name: pod.metadata.name,
          namespace: pod.metadata.namespace ?? '',
          uid: pod.metadata.uid,
          ip: podAddress(pod.metadata.uid),
        },
        delays,
        nowMs,
        hasImage: images.has(image),
        isNodeBusy,
        isInit,
      });
      isNodeBusy ||= result.isBusy;
      if (result.hasPulled) images.add(image);
      if (result.retryAfterMs !== undefined) retryAfterMs = Math.min(retryAfterMs ?? Infinity, result.retryAfterMs);
      const path = `spec.${isInit ? 'initContainers' : 'containers'}{${name}}`;
      for (const event of result.events) told.push({ path, event });
      return result.status;
    };

    // One after the other, each only when the one before has ended well; the others wait for all of them.
    const inits: JsonObject[] = [];
    let areInitsDone = true;
    for (const container of initSpecs) {
      let status = statusOf(container);
      if (areInitsDone && !hasEndedWell(status)) status = step(container, scenarioOfInit(container), true);
      areInitsDone &&= hasEndedWell(status);
      inits.push({ ...status, ready: hasEndedWell(status) });
    }
    const next = new Map<string, JsonObject>();
    let scriptedEnd: (Scenario & { name: string }) | undefined;
    for (const [index, container] of specs.entries()) {
      const name = textAt(container, 'name');
      const scenario = scenarios[index] ?? scenarioOfContainer(container);
      next.set(name, areInitsDone ? step(container, scenario, false) : statusOf(container));
      if (scenario.podEnd ?? scenario.nodeLost ?? scenario.leaves) scriptedEnd = { ...scenario, name };
    }
    for (const { path, event } of told) tell(pod, path, event);
    const status = podStatusOf(pod, { inits, containers: next }, nowMs);
    const scriptedEndMs = scriptedEnd && scriptedEndDueMs(next.get(scriptedEnd.name), nowMs);
    if (scriptedEnd === undefined || scriptedEndMs === undefined || scriptedEndMs > 0) {
      await writeStatus(pod, memory, status);
      return scriptedEndMs === undefined ? retryAfterMs : Math.min(retryAfterMs ?? Infinity, scriptedEndMs);
    }
    if (scriptedEnd.leaves !== undefined) {
      // Its successor of the same name stays.
      if (evicted.has(pod.metadata.name)) {
        await writeStatus(pod, memory, status);
        return retryAfterMs;
      }
      evicted.add(pod.metadata.name);
      await evict(pod, status, scriptedEnd.leaves);
      return undefined;
    }
    memory.isLost = scriptedEnd.nodeLost === true;
    await writeStatus(pod, memory, { ...status, ...scriptedEndOf(pod, status, scriptedEnd) });
    return undefined;
  }

  /** How long it is until the fate of the pod, which comes a while after this container has started. */
  function scriptedEndDueMs(status: JsonObject | undefined, nowMs: number): number | undefined {
    const startedAt = Date.parse(textAt(status, 'state', 'running', 'startedAt'));
    return Number.isNaN(startedAt) ? undefined : startedAt + 2 * delays.failAfterMs - nowMs;
  }

  /** Somebody asks the pod to leave, and says why in its conditions. */
  async function evict(
    pod: KubeObject,
    status: JsonObject,
    { reason, message, event }: NonNullable<Scenario['leaves']>,
  ): Promise<void> {
    if (event !== undefined) events.record({ about: pod, type: 'Normal', message, ...event });
    const disruption = { type: 'DisruptionTarget', status: 'True', reason, message, lastProbeTime: null };
    const lastTransitionTime = kubeTime(clock.nowMs());
    const conditions = [...objectsAt(status, 'conditions'), { ...disruption, lastTransitionTime }];
    await client.call('PATCH', `${pathOf(pod)}/status`, {
      contentType: 'application/merge-patch+json',
      body: { metadata: { uid: pod.metadata.uid }, status: { ...status, conditions } },
      signal,
    });
    await client.call('DELETE', pathOf(pod), { body: { preconditions: { uid: pod.metadata.uid } }, signal });
  }

  /** The end of the whole pod, or the loss of its node, in the status; and the event that tells of it. */
  function scriptedEndOf(pod: KubeObject, status: JsonObject, { podEnd }: Scenario): JsonObject {
    if (podEnd !== undefined) {
      events.record({ about: pod, type: 'Warning', ...podEnd, component: 'kubelet' });
      return { phase: 'Failed', ...podEnd };
    }
    const reason = 'NodeNotReady';
    events.record({ about: pod, type: 'Warning', reason, message: 'Node is not ready', component: 'node-controller' });
    const lastTransitionTime = kubeTime(clock.nowMs());
    const conditions = objectsAt(status, 'conditions').map((condition) =>
      condition['type'] === 'Ready'
        ? { type: 'Ready', status: 'False', lastProbeTime: null, lastTransitionTime }
        : condition,
    );
    return { conditions };
  }

  function containerMemory(memory: PodMemory, name: string): ContainerMemory {
    const known = memory.containers.get(name) ?? { pullFailures: 0, probeFailures: 0 };
    memory.containers.set(name, known);
    return known;
  }

  function tell(pod: KubeObject, path: string, { isOfPod, ...event }: StepEvent): void {
    events.record({ about: pod, ...event, component: 'kubelet', fieldPath: isOfPod === true ? undefined : path });
  }

  async function writeStatus(pod: KubeObject, memory: PodMemory, status: JsonObject): Promise<void> {
    if (sameJson(withoutNulls(status), withoutNulls(isJsonObject(pod['status']) ? pod['status'] : {}))) return;
    const written = await client.call('PATCH', `${pathOf(pod)}/status`, {
      contentType: 'application/merge-patch+json',
      // The uid keeps this from a pod that took the name of the one that is meant.
      body: { metadata: { uid: pod.metadata.uid }, status },
      signal,
    });
    // A pod's answer is a pod.
    memory.written = written as KubeObject;
  }

  /** Ends the containers, then the pod. */
  async function stop(pod: KubeObject, memory: PodMemory): Promise<number | undefined> {
    const nowMs = clock.nowMs();
    const graceSeconds = pod.metadata.deletionGracePeriodSeconds ?? 0;
    const inits = objectsAt(pod, 'status', 'initContainerStatuses');
    const statuses = objectsAt(pod, 'status', 'containerStatuses');
    const running = [...inits, ...statuses].filter((status) => valueAt(status, 'state', 'running') !== undefined);
    if (memory.stoppingSinceMs === undefined) {
      memory.stoppingSinceMs = nowMs;
      for (const status of running) {
        const name = textAt(status, 'name');
        const path = `spec.${inits.includes(status) ? 'initContainers' : 'containers'}{${name}}`;
        tell(pod, path, { type: 'Normal', reason: 'Killing', message: `Stopping container ${name}` });
      }
    }
    const leftMs = memory.stoppingSinceMs + Math.min(delays.stopMs, graceSeconds * 1000) - nowMs;
    if (leftMs > 0) return leftMs;
    if (running.length > 0) {
      const end = (status: JsonObject) => {
        if (!running.includes(status)) return status;
        const exit = inits.includes(status) ? { exitCode: 143, reason: 'Error' } : { exitCode: 0, reason: 'Completed' };
        return terminated(status, { ...exit, nowMs });
      };
      const containers = new Map(statuses.map((status) => [textAt(status, 'name'), end(status)]));
      await writeStatus(pod, memory, podStatusOf(pod, { inits: inits.map(end), containers }, nowMs));
    }
    // Nothing more is to be done for a pod that only a finalizer still holds.
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

function hasEndedWell(status: JsonObject): boolean {
  return valueAt(status, 'state', 'terminated', 'exitCode') === 0;
}

function pathOf(pod: KubeObject): string {
  return `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`;
}
