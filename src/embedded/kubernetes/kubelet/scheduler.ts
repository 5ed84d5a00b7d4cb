/** The scheduler of the embedded cluster: binds each new pod to the one node, or reports why the pod does not fit. */

import type { Clock } from '../../../shared/clock.ts';
import {
  isJsonObject,
  kubeTime,
  objectsAt,
  textAt,
  valueAt,
  type JsonObject,
  type KubeObject,
} from '../api/kube-object.ts';
import { parseQuantity } from '../api/quantity.ts';
import { isFailure, type ApiClient } from './api-client.ts';
import type { KubeletDelays } from './delays.ts';
import type { EventRecorder } from './event-recorder.ts';
import { requestsOf, type PodIndex } from './pod-index.ts';
import type { Reflector } from './reflector.ts';
import { scenarioOfContainer, type Scenario } from './runtime/simulated/scenarios.ts';

interface Deps {
  client: ApiClient;
  clock: Clock;
  signal: AbortSignal;
  pods: Pick<Reflector, 'get'>;
  index: PodIndex;
  claims: Pick<Reflector, 'get'>;
  nodes: Pick<Reflector, 'get'>;
  classes: Pick<Reflector, 'get'>;
  events: EventRecorder;
  delays: KubeletDelays;
  nodeName: string;
  /** Called again and again while a pod waits that would fit if others ended. */
  onMemoryFull?: ((pod: KubeObject) => void) | undefined;
}

/** How soon a pod is tried again for which somebody may make room. */
const makingRoomMs = 2_000;

export function createScheduler(deps: Deps) {
  const { client, clock, signal, pods, index, claims, nodes, classes, events, delays, nodeName } = deps;

  /** One attempt to schedule a pod. Returns after how many milliseconds to try again, if at all. */
  async function sync(key: string): Promise<number | undefined> {
    const pod = pods.get(key);
    if (pod === undefined || !isSchedulable(pod)) return undefined;
    const scenario = objectsAt(pod, 'spec', 'containers').map(scenarioOfContainer).find(concernsScheduler);
    if (scenario?.silent === 'scheduler') return undefined;
    const waitedMs = clock.now() - Date.parse(pod.metadata.creationTimestamp);
    const volumeObstacle = await checkVolumes(pod, waitedMs);
    if (volumeObstacle === 'soon') return Math.max(50, delays.unboundTimeoutMs / 10);
    const obstacle = volumeObstacle ?? obstacleOf(pod, scenario);
    if (obstacle !== undefined) {
      await reject(pod, obstacle);
      recordScenarioEvents(pod, scenario);
      if (obstacle !== memoryObstacle || !fitsAlone(pod) || deps.onMemoryFull === undefined) return 30_000;
      deps.onMemoryFull(pod);
      return makingRoomMs;
    }
    try {
      await client.call('POST', `${pathOf(pod)}/binding`, {
        body: {
          apiVersion: 'v1',
          kind: 'Binding',
          metadata: { name: pod.metadata.name, namespace: pod.metadata.namespace, uid: pod.metadata.uid },
          target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
        },
        signal,
      });
    } catch (error) {
      // The pod is gone, is being deleted or already has a node. The watch delivers which.
      if (isFailure(error, 404, 409)) return undefined;
      throw error;
    }
    const message = `Successfully assigned ${pod.metadata.namespace}/${pod.metadata.name} to ${nodeName}`;
    events.record({ about: pod, type: 'Normal', reason: 'Scheduled', message, component: 'default-scheduler' });
    return undefined;
  }

  /** The message of what is wrong with the claims of the pod; `soon`: wait a little; undefined: all are bound. */
  async function checkVolumes(pod: KubeObject, waitedMs: number): Promise<string | undefined> {
    let isWaiting = false;
    for (const volume of objectsAt(pod, 'spec', 'volumes')) {
      const name = textAt(volume, 'persistentVolumeClaim', 'claimName');
      if (name === '') continue;
      const claim = claims.get(`${pod.metadata.namespace}/${name}`);
      if (claim === undefined) {
        // Pods and claims have separate watches, so the claim may arrive a moment later.
        if (waitedMs < 1000) return 'soon';
        return nodesMessage(`persistentvolumeclaim "${name}" not found`);
      }
      if (claim.metadata.deletionTimestamp !== undefined) {
        return nodesMessage(`persistentvolumeclaim "${name}" is being deleted`);
      }
      if (textAt(claim, 'status', 'phase') === 'Bound') continue;
      isWaiting = true;
      await selectNode(claim);
    }
    if (!isWaiting) return undefined;
    return waitedMs < delays.unboundTimeoutMs
      ? 'soon'
      : nodesMessage('pod has unbound immediate PersistentVolumeClaims');
  }

  /** Tells the provisioner of a claim with `WaitForFirstConsumer` that the claim now has a pod. */
  async function selectNode(claim: KubeObject): Promise<void> {
    const mode = textAt(classes.get(textAt(claim, 'spec', 'storageClassName')), 'volumeBindingMode');
    const annotation = 'volume.kubernetes.io/selected-node';
    if (mode !== 'WaitForFirstConsumer' || claim.metadata.annotations?.[annotation] !== undefined) return;
    const path = `/api/v1/namespaces/${claim.metadata.namespace}/persistentvolumeclaims/${claim.metadata.name}`;
    await client.call('PATCH', path, {
      contentType: 'application/merge-patch+json',
      body: { metadata: { uid: claim.metadata.uid, annotations: { [annotation]: nodeName } } },
      signal,
    });
  }

  /** Events of other components about a pod without a node: the autoscaler, the provisioner. */
  function recordScenarioEvents(pod: KubeObject, { scaleUp, provisioningFailure }: Partial<Scenario> = {}): void {
    if (scaleUp !== undefined) {
      const reason = 'TriggeredScaleUp';
      events.record({ about: pod, type: 'Normal', reason, message: scaleUp, component: 'cluster-autoscaler' });
    }
    const name = textAt(objectsAt(pod, 'spec', 'volumes')[0], 'persistentVolumeClaim', 'claimName');
    const claim = claims.get(`${pod.metadata.namespace}/${name}`);
    if (provisioningFailure === undefined || claim === undefined) return;
    const [reason, component] = ['ProvisioningFailed', 'persistentvolume-controller'];
    events.record({ about: claim, type: 'Warning', reason, message: provisioningFailure, component });
  }

  function obstacleOf(pod: KubeObject, scenario: Scenario | undefined): string | undefined {
    const node = nodes.get(nodeName);
    if (scenario?.unschedulable !== undefined) return nodesMessage(scenario.unschedulable);
    const selector = valueAt(pod, 'spec', 'nodeSelector');
    for (const [key, value] of Object.entries(isJsonObject(selector) ? selector : {})) {
      if (node?.metadata.labels?.[key] !== value) {
        return nodesMessage("1 node(s) didn't match Pod's node affinity/selector");
      }
    }
    const used = index.used();
    const requested = requestsOf(pod);
    for (const resource of ['cpu', 'memory'] as const) {
      if (used[resource] + requested[resource] > allocatable(resource)) return insufficient(resource);
    }
    return undefined;
  }

  function allocatable(resource: 'cpu' | 'memory'): number {
    return parseQuantity(valueAt(nodes.get(nodeName), 'status', 'allocatable', resource)) ?? Infinity;
  }

  const fitsAlone = (pod: KubeObject): boolean => requestsOf(pod).memory <= allocatable('memory');

  /** Writes the reason into the pod's condition and into an event. */
  async function reject(pod: KubeObject, message: string): Promise<void> {
    const before = objectsAt(pod, 'status', 'conditions').find((condition) => condition['type'] === 'PodScheduled');
    if (before?.['message'] !== message) {
      const condition: JsonObject = {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message,
        lastProbeTime: null,
        lastTransitionTime: kubeTime(clock.now()),
      };
      await client.call('PATCH', `${pathOf(pod)}/status`, {
        contentType: 'application/strategic-merge-patch+json',
        body: { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } },
        signal,
      });
    }
    events.record({ about: pod, type: 'Warning', reason: 'FailedScheduling', message, component: 'default-scheduler' });
  }

  return { sync };
}

const concernsScheduler = ({ unschedulable, silent }: Scenario) =>
  unschedulable !== undefined || silent === 'scheduler';

function nodesMessage(why: string): string {
  return `0/1 nodes are available: ${why}.`;
}

const insufficient = (resource: 'cpu' | 'memory'): string => nodesMessage(`1 Insufficient ${resource}`);
const memoryObstacle = insufficient('memory');

function pathOf(pod: KubeObject): string {
  return `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`;
}

/** Whether the pod waits for this scheduler. */
export function isSchedulable(pod: KubeObject): boolean {
  return (
    textAt(pod, 'spec', 'nodeName') === '' &&
    pod.metadata.deletionTimestamp === undefined &&
    textAt(pod, 'spec', 'schedulerName') === 'default-scheduler'
  );
}
