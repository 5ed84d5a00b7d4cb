/**
 * Reasons in words: a pure function from a pod, its events and its claim to what it is doing, why, who must act, and one
 * sentence for people. Never from the phase alone: a pod whose container crash-loops still has the phase Running. An event
 * counts only while the pod shows that what it tells still holds, for events stay behind after a recovery.
 */

import type { ContainerSummary } from '../../../shared/contract/project.ts';
import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { conditionOf, type ContainerStatus, type KubernetesPod } from '../kube/kubernetes-pod.ts';
import { timeOf } from '../kube/kubernetes-time.ts';
import { cloneContainer, cloneFailure } from './clone-failure.ts';
import { containerFailure } from './container-failures.ts';
import { diagnoseEnded, diagnoseTerminating } from './ended-pods.ts';
import { describeExit } from './exit-codes.ts';
import {
  deadlineAfter,
  deadlines,
  earliest,
  eventPiece,
  eventsOfPod,
  diagnosis,
  isOverdue,
  isSince,
  lastEvent,
  piece,
  type Diagnosis,
  type PodSnapshot,
} from './pod-snapshot.ts';
import { diagnoseScheduling } from './scheduling.ts';
import { diagnoseMount } from './volume-failures.ts';

/** Explains a pod. The first trouble in the order of the spec wins, the pod's own before its containers'. */
export function diagnosePod(snapshot: PodSnapshot): Diagnosis {
  const { pod } = snapshot;
  const events = eventsOfPod(snapshot);
  if (pod.metadata.deletionTimestamp) return diagnoseTerminating(snapshot, events);
  if (pod.status.phase === 'Failed' || pod.status.phase === 'Succeeded') return diagnoseEnded(snapshot, events);
  if (isNodeLost(pod)) {
    const notReady = lastEvent(events, ({ reason }) => reason === 'NodeNotReady');
    return diagnosis(
      'failing',
      'node-lost',
      {
        message: 'The node (machine) that runs the pod no longer answers.',
        nextStep: 'An administrator must look at the node. If it stays away, the pod is started anew elsewhere.',
      },
      {
        since: conditionOf(pod, 'Ready')?.lastTransitionTime ?? null,
        evidence: [
          piece(
            'pod',
            'status',
            pod.status.message ?? pod.status.reason ?? conditionOf(pod, 'Ready')?.message ?? 'Ready was taken back.',
          ),
          ...(notReady ? [eventPiece(notReady)] : []),
        ],
      },
    );
  }
  if (!pod.spec.nodeName) return diagnoseScheduling(snapshot, events);
  return failureOfContainers(snapshot, events) ?? diagnoseProgress(snapshot, events);
}

function isNodeLost(pod: KubernetesPod): boolean {
  const ready = conditionOf(pod, 'Ready');
  return (
    pod.status.phase === 'Unknown' ||
    pod.status.reason === 'NodeLost' ||
    ready?.reason === 'NodeLost' ||
    ready?.status === 'Unknown' ||
    // The node controller speaks for a node that is silent: it takes back Ready alone, and gives no reason as a kubelet would.
    (ready?.status === 'False' && !ready.reason && conditionOf(pod, 'ContainersReady')?.status === 'True')
  );
}

function failureOfContainers({ pod, now }: PodSnapshot, events: KubernetesEvent[]): Diagnosis | null {
  const { initContainerStatuses: inits, containerStatuses } = pod.status;
  const order = [...pod.spec.initContainers, ...pod.spec.containers].map(({ name }) => name);
  const inOrder = (statuses: ContainerStatus[]) =>
    statuses.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  const cases = [
    ...inOrder(inits).map((container) => ({ container, isInit: true })),
    ...inOrder(containerStatuses).map((container) => ({ container, isInit: false })),
  ];
  for (const one of cases) {
    const failure = containerFailure({ pod, events, now, ...one });
    if (failure) return failure;
  }
  return null;
}

/** Nothing is wrong with any container: how far the pod has come. */
function diagnoseProgress(snapshot: PodSnapshot, events: KubernetesEvent[]): Diagnosis {
  const { pod, now } = snapshot;
  const statuses = pod.status.containerStatuses;
  const containers = summarizeContainers(pod);
  const total = containers.length;
  const ready = containers.filter((container) => container.ready).length;
  if (pod.status.phase === 'Running' && total > 0 && ready === total && conditionOf(pod, 'Ready')?.status !== 'False') {
    return diagnoseReady(pod, total);
  }
  if (statuses.length === 0 && pod.status.initContainerStatuses.length === 0)
    return diagnoseSilentNode(snapshot, events);
  const pulling = diagnosePulling(snapshot, events);
  if (pulling?.reason === 'image-pulling-slow') return pulling;
  if (statuses.every(({ state }) => state.waiting)) {
    return diagnoseMount(events) ?? diagnoseInit(pod) ?? pulling ?? diagnosePreparing(snapshot);
  }
  const recheckAt = earliest(
    ...statuses
      .filter((container) => !container.ready)
      .map((container) => deadlineAfter(container.state.running?.startedAt, startBudgetMs(pod, container), now)),
    // A readiness check that was refused counts once the port has had its time.
    ...statuses
      .filter((container) => !container.ready && container.started !== false)
      .map((container) => deadlineAfter(container.state.running?.startedAt, deadlines.portClosedMs, now)),
    pulling?.recheckAt ?? null,
  );
  const slow = statuses.find(
    (container) =>
      !container.ready && isOverdue(container.state.running?.startedAt, startBudgetMs(pod, container), now),
  );
  if (slow) {
    return diagnosis(
      'starting',
      'starting-slow',
      {
        message: `The container ${slow.name} takes longer than usual to start: ${ready} of ${total} ${total === 1 ? 'is' : 'are'} ready.`,
        nextStep: 'It is still given time. If it does not come up, look at what it waits for.',
      },
      { since: slow.state.running?.startedAt ?? null, recheckAt },
    );
  }
  return diagnosis(
    'starting',
    'starting',
    {
      message: `The containers are starting: ${ready} of ${total} ${total === 1 ? 'is' : 'are'} ready.`,
      nextStep: 'It is ready when all of them answer.',
    },
    { recheckAt },
  );
}

function diagnoseReady(pod: KubernetesPod, total: number): Diagnosis {
  const since = conditionOf(pod, 'Ready')?.lastTransitionTime ?? null;
  const clone = cloneFailure(pod);
  if (clone) {
    return diagnosis(
      'ready',
      'clone-failed',
      {
        message: `All ${total} containers are ready. ${clone.words}`,
        nextStep: 'Correct the repository URL and restart, or clone by hand in the workspace.',
      },
      { since, evidence: [clone.evidence] },
    );
  }
  return diagnosis(
    'ready',
    'ready',
    {
      message: total === 1 ? 'The container is ready.' : `All ${total} containers are ready.`,
      nextStep: 'Nothing has to be done.',
    },
    { since },
  );
}

function diagnoseSilentNode(snapshot: PodSnapshot, events: KubernetesEvent[]): Diagnosis {
  const { pod, now } = snapshot;
  const mount = diagnoseMount(events);
  if (mount) return mount;
  const from = conditionOf(pod, 'PodScheduled')?.lastTransitionTime ?? pod.metadata.creationTimestamp;
  if (isOverdue(from, deadlines.nodeSilentMs, now)) {
    return diagnosis(
      'starting',
      'node-silent',
      {
        message: 'The project was given to a node (a machine of the cluster) that has not begun with it.',
        nextStep: 'An administrator must look at the node; it goes on by itself as soon as the node does.',
      },
      { since: from },
    );
  }
  return diagnosis(
    'starting',
    'scheduled',
    {
      message: 'The project has a node (a machine of the cluster) and waits for it to begin.',
      nextStep: 'It goes on by itself.',
    },
    { since: from, recheckAt: deadlineAfter(from, deadlines.nodeSilentMs, now) },
  );
}

/** An image that is being pulled: told from the last event of a container that has not got it yet. */
function diagnosePulling({ pod, now }: PodSnapshot, events: KubernetesEvent[]): Diagnosis | null {
  const waiting = [...pod.status.initContainerStatuses, ...pod.status.containerStatuses].find(({ state, name }) => {
    const last = lastEvent(
      events,
      ({ of, reason }) => of.container === name && /^(Pulling|Pulled|Failed)$/.test(reason),
    );
    return state.waiting && last?.reason === 'Pulling';
  });
  const pulling = lastEvent(events, ({ of, reason }) => of.container === waiting?.name && reason === 'Pulling');
  if (!waiting || !pulling || !isSince(pulling, pod.metadata.creationTimestamp)) return null;
  const image = /image "([^"]+)"/.exec(pulling.message)?.[1];
  const what = `The image ${image === undefined ? '' : `"${image}" `}of the container ${waiting.name} is being fetched`;
  const since = pulling.at;
  if (isOverdue(since, deadlines.imagePullMs, now)) {
    return diagnosis(
      'starting',
      'image-pulling-slow',
      {
        message: `${what}; it takes longer than usual.`,
        nextStep: 'Large images and slow networks take their time; it goes on by itself.',
      },
      { since, evidence: [eventPiece(pulling)] },
    );
  }
  return diagnosis(
    'starting',
    'creating',
    { message: `${what}.`, nextStep: 'The containers start when all images are there.' },
    { since, recheckAt: deadlineAfter(since, deadlines.imagePullMs, now) },
  );
}

function diagnoseInit(pod: KubernetesPod): Diagnosis | null {
  const running = pod.status.initContainerStatuses.find(({ state }) => state.running);
  if (running?.name !== cloneContainer) return null;
  return diagnosis(
    'starting',
    'cloning',
    { message: 'The repository is being cloned into the workspace.', nextStep: 'The containers start afterwards.' },
    { since: running.state.running?.startedAt ?? null },
  );
}

function diagnosePreparing({ pod, claim }: PodSnapshot): Diagnosis {
  const what = claim?.status.phase === 'Pending' ? 'the volume and the containers' : 'the containers';
  return diagnosis(
    'starting',
    'creating',
    { message: `The node (machine) is creating ${what} of the project.`, nextStep: 'It goes on by itself.' },
    { since: conditionOf(pod, 'PodScheduled')?.lastTransitionTime ?? null },
  );
}

/** How long a container may take from its start until it answers. */
function startBudgetMs(pod: KubernetesPod, { name }: ContainerStatus): number {
  const probe = pod.spec.containers.find((each) => each.name === name)?.startupProbe;
  if (!probe) return deadlines.containerStartMs;
  const { initialDelaySeconds, periodSeconds, failureThreshold } = probe;
  return (
    ((initialDelaySeconds ?? 0) + (periodSeconds ?? 10) * (failureThreshold ?? 3)) * 1_000 +
    deadlines.containerStartMs / 2
  );
}

/** The containers in the order of the spec; those without a status yet are waiting. */
export function summarizeContainers(pod: KubernetesPod): ContainerSummary[] {
  return pod.spec.containers.map(({ name }) => {
    const status = pod.status.containerStatuses.find((each) => each.name === name);
    const last = status?.lastState.terminated ?? null;
    return {
      name,
      ready: status?.ready ?? false,
      state: status?.state.running ? 'running' : status?.state.terminated ? 'terminated' : 'waiting',
      reason: status?.state.waiting?.reason ?? status?.state.terminated?.reason ?? null,
      restarts: status?.restartCount ?? 0,
      lastExit: last ? describeExit(last) : null,
    };
  });
}

/** When every container had become ready, as far as Kubernetes says; an ISO time. */
export function readyAtOf(pod: KubernetesPod): string | null {
  const ready = conditionOf(pod, 'Ready');
  const ms = ready?.status === 'True' ? timeOf(ready.lastTransitionTime) : null;
  return ms === null ? null : new Date(ms).toISOString();
}
