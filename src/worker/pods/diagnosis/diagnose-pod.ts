/**
 * The entry of the diagnosis engine: a pure function from a pod, its events and its claim to a {@link Diagnosis}. It never
 * decides from the phase alone: a pod whose container crash-loops still has the phase Running. Events outlive a recovery,
 * so an event counts only while the pod itself still shows the failure.
 */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { conditionOf, type ContainerStatus, type KubernetesPod } from '../kube/kubernetes-pod.ts';
import { isSidecar } from './container-case.ts';
import { containerFailure } from './container-failures.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { diagnoseEnded } from './ended-pods.ts';
import { evidenceOf, evidenceOfEvent } from './evidence.ts';
import { diagnoseHealthy } from './healthy-pods.ts';
import type { PodSnapshot } from './pod-snapshot.ts';
import { diagnoseScheduling } from './scheduling.ts';
import { eventsOfPod } from './snapshot-events.ts';
import { diagnoseTerminating } from './terminating-pods.ts';

/** Diagnoses a pod. Failures of the pod itself come before those of its containers, in the order of the spec. */
export function diagnosePod(snapshot: PodSnapshot): Diagnosis {
  const { pod } = snapshot;
  const events = eventsOfPod(snapshot);
  if (pod.metadata.deletionTimestamp) return diagnoseTerminating(snapshot, events);
  if (pod.status.phase === 'Failed' || pod.status.phase === 'Succeeded') return diagnoseEnded(snapshot, events);
  if (isNodeLost(pod)) return diagnoseLostNode(pod, events);
  if (!pod.spec.nodeName) return diagnoseScheduling(snapshot, events);
  return firstContainerFailure(snapshot, events) ?? diagnoseHealthy(snapshot, events);
}

function isNodeLost(pod: KubernetesPod): boolean {
  const ready = conditionOf(pod, 'Ready');
  return (
    pod.status.phase === 'Unknown' ||
    pod.status.reason === 'NodeLost' ||
    ready?.reason === 'NodeLost' ||
    ready?.status === 'Unknown' ||
    // When a node is silent, the node controller sets only Ready to False. Unlike a kubelet, it gives no reason.
    (ready?.status === 'False' && !ready.reason && conditionOf(pod, 'ContainersReady')?.status === 'True')
  );
}

function diagnoseLostNode(pod: KubernetesPod, events: KubernetesEvent[]): Diagnosis {
  const ready = conditionOf(pod, 'Ready');
  const notReady = events.findLast(({ reason }) => reason === 'NodeNotReady');
  return createDiagnosis({
    state: 'failing',
    reason: 'node-lost',
    message: 'The node (machine) that runs the pod no longer answers.',
    nextStep:
      'An administrator must check the node. If it does not come back, the pod is started again on another node.',
    since: ready?.lastTransitionTime ?? null,
    evidence: [
      evidenceOf({
        source: 'pod',
        subject: 'status',
        text: pod.status.message ?? pod.status.reason ?? ready?.message ?? 'The condition Ready became False.',
      }),
      ...(notReady ? [evidenceOfEvent(notReady)] : []),
    ],
  });
}

function firstContainerFailure({ pod, now }: PodSnapshot, events: KubernetesEvent[]): Diagnosis | null {
  const { initContainerStatuses, containerStatuses } = pod.status;
  const specOrder = [...pod.spec.initContainers, ...pod.spec.containers].map(({ name }) => name);
  const inSpecOrder = (statuses: ContainerStatus[]) =>
    statuses.toSorted((a, b) => specOrder.indexOf(a.name) - specOrder.indexOf(b.name));
  const cases = [
    ...inSpecOrder(initContainerStatuses).map((container) => ({ container, isInit: !isSidecar(pod, container.name) })),
    ...inSpecOrder(containerStatuses).map((container) => ({ container, isInit: false })),
  ];
  for (const containerCase of cases) {
    const failure = containerFailure({ pod, events, now, ...containerCase });
    if (failure) return failure;
  }
  return null;
}
