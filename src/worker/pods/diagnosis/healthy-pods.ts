/** A pod on a node without any failure: it is ready, or its start is on the way. */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { conditionOf, type ContainerStatus, type KubernetesPod } from '../kube/kubernetes-pod.ts';
import { cloneContainer, cloneFailure } from './clone-failure.ts';
import { deadlineAfter, deadlines, earliest, isOverdue } from './deadlines.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOfEvent } from './evidence.ts';
import type { PodSnapshot } from './pod-snapshot.ts';
import { isSince } from './snapshot-events.ts';
import { diagnoseMount } from './volume-failures.ts';

/** @param events events of this pod, oldest first */
export function diagnoseHealthy(snapshot: PodSnapshot, events: KubernetesEvent[]): Diagnosis {
  const { pod } = snapshot;
  const { containerStatuses, initContainerStatuses } = pod.status;
  if (isReady(pod)) return diagnoseReady(pod);
  if (containerStatuses.length === 0 && initContainerStatuses.length === 0) return diagnoseSilentNode(snapshot, events);
  const pulling = diagnosePulling(snapshot, events);
  if (pulling?.reason === 'image-pulling-slow') return pulling;
  if (containerStatuses.every(({ state }) => state.waiting)) {
    return diagnoseMount(events) ?? diagnoseCloning(pod) ?? pulling ?? diagnosePreparing(snapshot);
  }
  return diagnoseStarting(snapshot, pulling?.recheckAt ?? null);
}

function readyCount(pod: KubernetesPod): number {
  const isReadyByName = (name: string) => pod.status.containerStatuses.find((status) => status.name === name)?.ready;
  return pod.spec.containers.filter(({ name }) => isReadyByName(name)).length;
}

function isReady(pod: KubernetesPod): boolean {
  const total = pod.spec.containers.length;
  const isRunning = pod.status.phase === 'Running' && conditionOf(pod, 'Ready')?.status !== 'False';
  return isRunning && total > 0 && readyCount(pod) === total;
}

function diagnoseReady(pod: KubernetesPod): Diagnosis {
  const total = pod.spec.containers.length;
  const since = conditionOf(pod, 'Ready')?.lastTransitionTime ?? null;
  const message = total === 1 ? 'The container is ready.' : `All ${total} containers are ready.`;
  const clone = cloneFailure(pod);
  if (clone) {
    return createDiagnosis({
      state: 'ready',
      reason: 'clone-failed',
      message: `${message} ${clone.message}`,
      nextStep: 'Correct the repository URL and restart, or clone the repository yourself in the workspace.',
      since,
      evidence: [clone.evidence],
    });
  }
  return createDiagnosis({ state: 'ready', reason: 'ready', message, nextStep: 'Nothing needs to be done.', since });
}

/** The pod has a node, but the node has reported nothing about it yet. */
function diagnoseSilentNode({ pod, now }: PodSnapshot, events: KubernetesEvent[]): Diagnosis {
  const mount = diagnoseMount(events);
  if (mount) return mount;
  const since = conditionOf(pod, 'PodScheduled')?.lastTransitionTime ?? pod.metadata.creationTimestamp;
  if (isOverdue(since, deadlines.nodeSilentMs, now)) {
    return createDiagnosis({
      state: 'starting',
      reason: 'node-silent',
      message: 'The project was assigned to a node (a machine of the cluster) that has not started it.',
      nextStep: 'An administrator must check the node. The start continues by itself as soon as the node responds.',
      since,
    });
  }
  return createDiagnosis({
    state: 'starting',
    reason: 'scheduled',
    message: 'The project is assigned to a node (a machine of the cluster), which has not started it yet.',
    nextStep: 'This continues by itself.',
    since,
    recheckAt: deadlineAfter(since, deadlines.nodeSilentMs, now),
  });
}

/** A container waits for its image. Its newest pull event says that the pull is still running. */
function diagnosePulling({ pod, now }: PodSnapshot, events: KubernetesEvent[]): Diagnosis | null {
  const waiting = [...pod.status.initContainerStatuses, ...pod.status.containerStatuses].find(({ state, name }) => {
    const newest = events.findLast(
      ({ involvedObject, reason }) => involvedObject.container === name && /^(Pulling|Pulled|Failed)$/.test(reason),
    );
    return state.waiting && newest?.reason === 'Pulling';
  });
  const pulling = events.findLast(
    ({ involvedObject, reason }) => involvedObject.container === waiting?.name && reason === 'Pulling',
  );
  if (!waiting || !pulling || !isSince(pulling, pod.metadata.creationTimestamp)) return null;
  const image = /image "([^"]+)"/.exec(pulling.message)?.[1];
  const message = `The image ${image === undefined ? '' : `"${image}" `}of the container ${waiting.name} is being fetched`;
  const since = pulling.at;
  if (isOverdue(since, deadlines.imagePullMs, now)) {
    return createDiagnosis({
      state: 'starting',
      reason: 'image-pulling-slow',
      message: `${message}. It takes longer than usual.`,
      nextStep: 'Large images and slow networks take time. This continues by itself.',
      since,
      evidence: [evidenceOfEvent(pulling)],
    });
  }
  return createDiagnosis({
    state: 'starting',
    reason: 'creating',
    message: `${message}.`,
    nextStep: 'The containers start when all images are on the node.',
    since,
    recheckAt: deadlineAfter(since, deadlines.imagePullMs, now),
  });
}

function diagnoseCloning(pod: KubernetesPod): Diagnosis | null {
  const running = pod.status.initContainerStatuses.find(({ state }) => state.running);
  if (running?.name !== cloneContainer) return null;
  return createDiagnosis({
    state: 'starting',
    reason: 'cloning',
    message: 'The repository is being cloned into the workspace.',
    nextStep: 'The containers start afterwards.',
    since: running.state.running?.startedAt ?? null,
  });
}

function diagnosePreparing({ pod, claim }: PodSnapshot): Diagnosis {
  const objects = claim?.status.phase === 'Pending' ? 'the volume and the containers' : 'the containers';
  return createDiagnosis({
    state: 'starting',
    reason: 'creating',
    message: `The node (machine) is creating ${objects} of the project.`,
    nextStep: 'This continues by itself.',
    since: conditionOf(pod, 'PodScheduled')?.lastTransitionTime ?? null,
  });
}

/** At least one container has started, and not all are ready. */
function diagnoseStarting({ pod, now }: PodSnapshot, pullingRecheckAt: string | null): Diagnosis {
  const unready = pod.status.containerStatuses.filter((container) => !container.ready);
  const recheckAt = earliest(
    ...unready.map((container) => deadlineAfter(startedAtOf(container), startBudgetMs(pod, container), now)),
    // A readiness check whose connection was refused counts only after the time to open the port.
    ...unready
      .filter((container) => container.started !== false)
      .map((container) => deadlineAfter(startedAtOf(container), deadlines.portClosedMs, now)),
    pullingRecheckAt,
  );
  const total = pod.spec.containers.length;
  const progress = `${readyCount(pod)} of ${total} ${total === 1 ? 'is' : 'are'} ready`;
  const slow = unready.find((container) => isOverdue(startedAtOf(container), startBudgetMs(pod, container), now));
  if (slow) {
    return createDiagnosis({
      state: 'starting',
      reason: 'starting-slow',
      message: `The container ${slow.name} takes longer than usual to start: ${progress}.`,
      nextStep: 'It gets more time. If it does not become ready, check what it is waiting for.',
      since: startedAtOf(slow) ?? null,
      recheckAt,
    });
  }
  return createDiagnosis({
    state: 'starting',
    reason: 'starting',
    message: `The containers are starting: ${progress}.`,
    nextStep: 'The project is ready when all containers respond.',
    recheckAt,
  });
}

const startedAtOf = (container: ContainerStatus) => container.state.running?.startedAt;

/** How long a container may take from its start until it is ready. */
function startBudgetMs(pod: KubernetesPod, { name }: ContainerStatus): number {
  const probe = pod.spec.containers.find((each) => each.name === name)?.startupProbe;
  if (!probe) return deadlines.containerStartMs;
  const { initialDelaySeconds, periodSeconds, failureThreshold } = probe;
  const probeSeconds = (initialDelaySeconds ?? 0) + (periodSeconds ?? 10) * (failureThreshold ?? 3);
  return probeSeconds * 1_000 + deadlines.containerStartMs / 2;
}
