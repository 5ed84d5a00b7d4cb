/** A pod with a deletion timestamp: why it is stopping, and what keeps it from ending. */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { conditionOf, type KubernetesPod } from '../kube/kubernetes-pod.ts';
import { deadlineAfter, deadlines, isOverdue } from './deadlines.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOf, evidenceOfEvent } from './evidence.ts';
import type { PodSnapshot } from './pod-snapshot.ts';

const stoppingNextStep = 'This continues by itself as soon as the pod is gone.';

interface Termination {
  snapshot: PodSnapshot;
  events: KubernetesEvent[];
  /** By this ISO time the pod should be gone. */
  dueAt: string | null;
  isOverTime: boolean;
  /** When the pod becomes overdue. */
  recheckAt: string | null;
  /** The reason of the condition DisruptionTarget, when that condition is True. */
  disruption: string | undefined;
  evidence: Diagnosis['evidence'];
}

/**
 * Diagnoses a pod whose deletion was requested, by this application or by the cluster.
 * @param events events of this pod, oldest first
 */
export function diagnoseTerminating(snapshot: PodSnapshot, events: KubernetesEvent[]): Diagnosis {
  const termination = terminationOf(snapshot, events);
  return (
    diagnoseFinalizer(termination) ??
    diagnoseTaintEviction(termination) ??
    diagnoseOverTime(termination) ??
    diagnoseDisruption(termination) ??
    createDiagnosis({
      state: 'stopping',
      reason: 'stopping',
      message: 'The pod is stopping.',
      nextStep: stoppingNextStep,
      recheckAt: termination.recheckAt,
      evidence: termination.evidence,
    })
  );
}

function terminationOf(snapshot: PodSnapshot, events: KubernetesEvent[]): Termination {
  const { pod, now } = snapshot;
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
  const condition = conditionOf(pod, 'DisruptionTarget');
  return {
    snapshot,
    events,
    dueAt: deletionTimestamp ?? null,
    isOverTime: isOverdue(deletionTimestamp, deadlines.terminationMs, now),
    recheckAt: deadlineAfter(deletionTimestamp, deadlines.terminationMs, now),
    disruption: condition?.status === 'True' ? condition.reason : undefined,
    evidence: [
      evidenceOf({
        source: 'pod',
        subject: 'deletionTimestamp',
        text: `due to end at ${deletionTimestamp}, grace period ${deletionGracePeriodSeconds ?? '?'} s`,
      }),
      ...(condition
        ? [
            evidenceOf({
              source: 'pod',
              subject: 'DisruptionTarget',
              text: condition.message,
              reason: condition.reason ?? null,
            }),
          ]
        : []),
    ],
  };
}

function diagnoseFinalizer({ snapshot, isOverTime, evidence }: Termination): Diagnosis | null {
  const { finalizers } = snapshot.pod.metadata;
  if (!isOverTime || finalizers.length === 0) return null;
  return createDiagnosis({
    state: 'stopping',
    reason: 'stuck-on-finalizer',
    message: `The pod has ended but is kept by the finalizer "${finalizers[0]}".`,
    nextStep: `An administrator must find the program that set this finalizer. ${stoppingNextStep}`,
    evidence: [...evidence, evidenceOf({ source: 'pod', subject: 'finalizers', text: finalizers.join(', ') })],
  });
}

function diagnoseTaintEviction({ events, disruption, recheckAt, evidence }: Termination): Diagnosis | null {
  const eviction = events.findLast(({ reason }) => reason === 'TaintManagerEviction');
  if (!eviction && disruption !== 'DeletionByTaintManager') return null;
  return createDiagnosis({
    state: 'lost',
    reason: 'node-lost',
    message: 'The node (machine) of the project is lost or no longer accepts it, so the cluster is removing the pod.',
    nextStep: 'A new pod starts by itself when the old one is certainly gone. An administrator must check the node.',
    recheckAt,
    evidence: [...(eviction ? [evidenceOfEvent(eviction)] : []), ...evidence],
  });
}

function diagnoseOverTime({ snapshot, events, isOverTime, dueAt, recheckAt, evidence }: Termination): Diagnosis | null {
  const { pod, node } = snapshot;
  if (!isOverTime && !isNodeSilent(pod, node, events)) return null;
  return createDiagnosis({
    state: 'stopping',
    reason: 'stuck-terminating',
    message: 'The pod should have ended but has not. Its node (machine) may no longer answer.',
    nextStep: `An administrator must check the node. ${stoppingNextStep}`,
    since: dueAt,
    // A finalizer becomes the diagnosis once the pod is overdue.
    recheckAt: pod.metadata.finalizers.length > 0 ? recheckAt : null,
    evidence,
  });
}

/** Whether the node has stopped reporting, so that nothing ends the pod. */
function isNodeSilent(pod: KubernetesPod, node: PodSnapshot['node'], events: KubernetesEvent[]): boolean {
  if (conditionOf(pod, 'Ready')?.status !== 'False') return false;
  const isUnknown = node?.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'Unknown');
  return Boolean(isUnknown) || events.some(({ reason }) => reason === 'NodeNotReady');
}

function diagnoseDisruption({ snapshot, events, disruption, recheckAt, evidence }: Termination): Diagnosis | null {
  const preempted = events.findLast(({ reason }) => reason === 'Preempted' || reason === 'Preempting');
  if (preempted || disruption === 'PreemptionByScheduler') {
    return createDiagnosis({
      state: 'stopping',
      reason: 'preempted',
      message: 'The pod is stopping to make room for a pod of higher priority.',
      nextStep: 'A new pod starts by itself when there is room for it.',
      recheckAt,
      evidence: [...(preempted ? [evidenceOfEvent(preempted)] : []), ...evidence],
    });
  }
  if (snapshot.node?.spec.unschedulable || disruption === 'EvictionByEvictionAPI') {
    return createDiagnosis({
      state: 'stopping',
      reason: 'drained',
      message: 'The pod is stopping because its node (machine) is being drained, for example for maintenance.',
      nextStep: 'A new pod starts by itself on another node.',
      recheckAt,
      evidence,
    });
  }
  return null;
}
