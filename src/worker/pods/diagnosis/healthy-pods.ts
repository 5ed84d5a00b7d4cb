/** A pod on a node without any failure: it is ready, or its start is on the way. */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { conditionOf, type KubernetesPod } from '../kube/kubernetes-pod.ts';
import { timeOf } from '../kube/kubernetes-time.ts';
import { diagnoseClaimOnNode } from './claims.ts';
import { cloneContainer, cloneFailure } from './clone-failure.ts';
import { nameContainer, roleOf } from './container-roles.ts';
import { deadlineAfter, deadlines, earliest, isOverdue } from './deadlines.ts';
import { claimWarning } from './deleted-claims.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOfEvent } from './evidence.ts';
import { diagnosePreparation } from './node-preparation.ts';
import { boundedTime, futureTime } from './node-times.ts';
import type { PodSnapshot } from './pod-snapshot.ts';
import { kubernetesReports } from './quote.ts';
import { diagnoseUnreadyPod, nativeSidecars } from './readiness.ts';
import { diagnoseStarting, readyCount } from './starting-containers.ts';

/** @param events events of this pod, oldest first */
export function diagnoseHealthy(snapshot: PodSnapshot, events: KubernetesEvent[]): Diagnosis {
  const { pod } = snapshot;
  const { containerStatuses, initContainerStatuses } = pod.status;
  if (isReady(pod)) return diagnoseReady(snapshot);
  if (containerStatuses.length === 0 && initContainerStatuses.length === 0) return diagnoseSilentNode(snapshot, events);
  const pulling = diagnosePulling(snapshot, events);
  if (pulling?.reason === 'image-pulling-slow') return pulling;
  if (containerStatuses.every(({ state }) => state.waiting)) {
    return (
      diagnoseClaimOnNode(snapshot) ??
      diagnosePreparation(snapshot, events) ??
      diagnoseInit(snapshot) ??
      pulling ??
      diagnosePreparing(snapshot, events)
    );
  }
  if (readyCount(pod) === pod.spec.containers.length) return diagnoseUnreadyPod(snapshot);
  return diagnoseStarting(snapshot, pulling?.recheckAt ?? null);
}

function isReady(pod: KubernetesPod): boolean {
  const total = pod.spec.containers.length;
  const isRunning = pod.status.phase === 'Running' && conditionOf(pod, 'Ready')?.status !== 'False';
  return isRunning && total > 0 && readyCount(pod) === total;
}

function diagnoseReady({ pod, claim }: PodSnapshot): Diagnosis {
  const total = pod.spec.containers.length;
  const since = conditionOf(pod, 'Ready')?.lastTransitionTime ?? null;
  const message = total === 1 ? 'The container is ready.' : `All ${total} containers are ready.`;
  const doomed = claim && claimWarning(claim);
  if (doomed) return createDiagnosis({ state: 'ready', ...doomed, message: `${message} ${doomed.message}`, since });
  const clone = cloneFailure(pod);
  if (clone) {
    return createDiagnosis({
      state: 'ready',
      reason: 'clone-failed',
      message: `${message} ${clone.message}`,
      nextStep: clone.nextStep,
      actor: clone.actor,
      since,
      evidence: [clone.evidence],
    });
  }
  return createDiagnosis({ state: 'ready', reason: 'ready', message, nextStep: 'Nothing needs to be done.', since });
}

/** The pod has a node, but the node has reported nothing about it yet. */
function diagnoseSilentNode(snapshot: PodSnapshot, events: KubernetesEvent[]): Diagnosis {
  const { pod, now } = snapshot;
  const failure = diagnoseClaimOnNode(snapshot) ?? diagnosePreparation(snapshot, events);
  if (failure) return failure;
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
  if (!waiting || !pulling) return null;
  const image = /image "([^"]+)"/.exec(pulling.message)?.[1];
  const message = `The image ${image === undefined ? '' : `"${image}" `}of the container ${waiting.name} is being fetched`;
  const since = boundedTime(pod, pulling.at, now);
  if (isOverdue(since, deadlines.imagePullMs, now)) {
    const isStuck = isOverdue(since, deadlines.imageStuckMs, now);
    return createDiagnosis({
      state: 'starting',
      reason: 'image-pulling-slow',
      message: `${message}. It takes longer than usual.`,
      nextStep: isStuck
        ? 'An administrator must check the registry, the network and the disk of the node.'
        : 'Large images and slow networks take time. This continues by itself.',
      actor: isStuck ? 'administrator' : 'nobody',
      since,
      recheckAt: earliest(deadlineAfter(since, deadlines.imageStuckMs, now), futureTime(pulling.at, now)),
      evidence: [evidenceOfEvent(pulling)],
    });
  }
  return createDiagnosis({
    state: 'starting',
    reason: 'creating',
    message: `${message}.`,
    nextStep: 'The containers start when all images are on the node.',
    since,
    recheckAt: earliest(deadlineAfter(since, deadlines.imagePullMs, now), futureTime(pulling.at, now)),
  });
}

/** An init container that runs, or a native sidecar that must start first. It is named unless it is one of ours. */
function diagnoseInit({ pod, now }: PodSnapshot): Diagnosis | null {
  const sidecars = new Set(nativeSidecars(pod).map(({ name }) => name));
  const running = pod.status.initContainerStatuses.find(
    ({ name, state, started, ready }) => state.running && !(sidecars.has(name) && (started ?? ready)),
  );
  if (!running) return null;
  const { name } = running;
  const startedAt = running.state.running?.startedAt;
  const since = boundedTime(pod, startedAt, now);
  const limitMs = sidecars.has(name) ? deadlines.containerStartMs : deadlines.initMs;
  const isOver = isOverdue(since, limitMs, now);
  const message =
    name === cloneContainer
      ? 'The repository is being cloned into the workspace.'
      : roleOf(name) === 'ours'
        ? 'The workspace is being prepared.'
        : `${nameContainer(name)} ${sidecars.has(name) ? 'must start first' : 'does its work first'}.`;
  return createDiagnosis({
    state: 'starting',
    reason: isOver ? 'starting-slow' : name === cloneContainer ? 'cloning' : 'starting',
    message: isOver ? `${message} It takes longer than usual.` : message,
    nextStep: isOver
      ? `${name === cloneContainer ? 'The owner of the project' : 'An administrator'} should check what it is waiting for. The containers start afterwards.`
      : 'The containers start afterwards.',
    actor: isOver ? (name === cloneContainer ? 'owner' : 'administrator') : 'nobody',
    since,
    recheckAt: earliest(deadlineAfter(since, limitMs, now), futureTime(startedAt, now)),
  });
}

/** From when the node prepares the pod: its assignment, or the loss of an earlier sandbox (KEP-3085), for example by a restart. */
function preparingSince(pod: KubernetesPod): string | null {
  const scheduled = conditionOf(pod, 'PodScheduled')?.lastTransitionTime ?? null;
  const sandbox = conditionOf(pod, 'PodReadyToStartContainers');
  const lost = sandbox?.status === 'False' ? sandbox.lastTransitionTime : null;
  return (timeOf(lost) ?? 0) > (timeOf(scheduled) ?? 0) ? (lost ?? null) : scheduled;
}

/** The node prepares volumes, network and containers, and nothing says that something is wrong. */
function diagnosePreparing({ pod, claim, now }: PodSnapshot, events: KubernetesEvent[]): Diagnosis {
  const objects = claim?.status.phase === 'Pending' ? 'the volume and the containers' : 'the containers';
  const since = preparingSince(pod);
  const recheckAt = deadlineAfter(since, deadlines.preparingMs, now);
  if (isOverdue(since, deadlines.preparingMs, now)) {
    const warning = events.findLast((event) => event.isWarning && event.reason !== 'FailedScheduling');
    const sandbox = conditionOf(pod, 'PodReadyToStartContainers')?.status;
    const next = pod.status.initContainerStatuses.find(({ state }) => state.waiting);
    const waitsFor =
      sandbox === 'False'
        ? 'for its volume or its network'
        : sandbox === 'True' && next
          ? `until its node has started the container ${next.name}`
          : events.some(({ reason }) => reason === 'Pulled')
            ? 'for the container runtime of the node'
            : 'for its node';
    return createDiagnosis({
      state: 'starting',
      reason: 'creating',
      message: `The node (machine) has been creating ${objects} of the project for longer than usual. The project waits ${waitsFor}.${warning ? ` ${kubernetesReports(warning.message)}` : ''}`,
      nextStep: 'If this continues, an administrator must check the node.',
      actor: 'administrator',
      since,
      evidence: (warning ? [warning] : events.slice(-1)).map(evidenceOfEvent),
    });
  }
  return createDiagnosis({
    state: 'starting',
    reason: 'creating',
    message: `The node (machine) is creating ${objects} of the project.`,
    nextStep: 'This continues by itself.',
    since,
    recheckAt,
  });
}
