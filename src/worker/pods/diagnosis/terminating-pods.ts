/** A pod with a deletion timestamp: why it is stopping, and what keeps it from ending. */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { conditionOf, type KubernetesPod } from '../kube/kubernetes-pod.ts';
import { deadlineAfter, deadlines, isOverdue } from './deadlines.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOf, evidenceOfEvent } from './evidence.ts';
import type { PodSnapshot } from './pod-snapshot.ts';
import { kubernetesReports } from './quote.ts';

const continues = 'This continues by itself as soon as the pod is gone.';

interface Termination {
  snapshot: PodSnapshot;
  events: KubernetesEvent[];
  /** By this ISO time the pod should be gone. */
  dueAt: string | null;
  isOverTime: boolean;
  /** When the pod becomes overdue. */
  recheckAt: string | null;
  /** Whether no container runs any more. */
  hasEnded: boolean;
  /** A finalizer that still holds the pod. */
  finalizer: string | undefined;
  evidence: Diagnosis['evidence'];
}

/** Who removes the pod, when it is not this application. */
type Cause = Pick<Diagnosis, 'state' | 'reason' | 'message' | 'nextStep'> &
  Partial<Pick<Diagnosis, 'actor' | 'evidence'>>;

/**
 * Diagnoses a pod whose deletion was requested, by this application or by the cluster.
 * @param events events of this pod, oldest first
 */
export function diagnoseTerminating(snapshot: PodSnapshot, events: KubernetesEvent[]): Diagnosis {
  const termination = terminationOf(snapshot, events);
  const { isOverTime, hasEnded, finalizer, evidence, recheckAt } = termination;
  const cause = causeOf(termination);
  if (finalizer !== undefined && isOverTime) return heldByFinalizer(termination, finalizer);
  if (cause?.reason === 'node-lost') return fromCause(cause, termination);
  if (isOverTime || isNodeSilent(termination)) return overTime(termination);
  if (cause) return fromCause(cause, termination);
  if (finalizer !== undefined && hasEnded) return heldByFinalizer(termination, finalizer);
  return createDiagnosis({
    state: 'stopping',
    reason: 'stopping',
    message: 'The pod is stopping.',
    nextStep: continues,
    recheckAt,
    evidence,
  });
}

function terminationOf(snapshot: PodSnapshot, events: KubernetesEvent[]): Termination {
  const { pod, now } = snapshot;
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = pod.metadata;
  const condition = conditionOf(pod, 'DisruptionTarget');
  return {
    snapshot,
    events,
    dueAt: deletionTimestamp ?? null,
    isOverTime: isOverdue(deletionTimestamp, deadlines.terminationMs, now),
    recheckAt: deadlineAfter(deletionTimestamp, deadlines.terminationMs, now),
    hasEnded: haveContainersEnded(pod),
    finalizer: finalizers[0],
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
      ...(finalizers.length > 0
        ? [evidenceOf({ source: 'pod', subject: 'finalizers', text: finalizers.join(', ') })]
        : []),
    ],
  };
}

function haveContainersEnded({ status }: KubernetesPod): boolean {
  if (status.phase === 'Failed' || status.phase === 'Succeeded') return true;
  const { containerStatuses } = status;
  return containerStatuses.length > 0 && containerStatuses.every(({ state }) => state.terminated);
}

/** Only the program that set a finalizer may remove it. Until then the API keeps the pod. */
function heldByFinalizer(
  { dueAt, hasEnded: ended, isOverTime, recheckAt, evidence }: Termination,
  finalizer: string,
): Diagnosis {
  return createDiagnosis({
    state: 'stopping',
    reason: 'stuck-on-finalizer',
    message: `The pod ${ended ? 'has ended but ' : ''}is kept by the finalizer "${finalizer}".`,
    nextStep: isOverTime
      ? `An administrator must find the program that set this finalizer. ${continues}`
      : `The program that set this finalizer removes it when its work is done. If it does not, an administrator must find that program. ${continues}`,
    actor: isOverTime ? 'administrator' : 'nobody',
    since: dueAt,
    recheckAt,
    evidence,
  });
}

function fromCause(cause: Cause, { recheckAt, evidence, hasEnded: ended, finalizer }: Termination): Diagnosis {
  const held = ended && finalizer !== undefined ? ` The finalizer "${finalizer}" still keeps the pod.` : '';
  return createDiagnosis({
    ...cause,
    message: `${cause.message}${held}`,
    recheckAt,
    evidence: [...(cause.evidence ?? []), ...evidence],
  });
}

const evidenceIn = (event: KubernetesEvent | undefined) => ({ evidence: event ? [evidenceOfEvent(event)] : [] });

/**
 * Who removes the pod. The condition DisruptionTarget says so (docs: concepts/workloads/pods/disruptions), and is trusted
 * more than events, which clusters before v1.26 have alone.
 */
function causeOf({ snapshot, events }: Termination): Cause | null {
  const condition = conditionOf(snapshot.pod, 'DisruptionTarget');
  const newest = (pattern: RegExp) => events.findLast(({ reason }) => pattern.test(reason));
  switch (condition?.status === 'True' ? (condition.reason ?? '') : '') {
    case 'PreemptionByScheduler':
      return { ...preempted, ...evidenceIn(newest(/^Preempt(ed|ing)$/)) };
    case 'DeletionByTaintManager':
      return { ...nodeLost, ...evidenceIn(newest(/^TaintManagerEviction$/)) };
    case 'DeletionByPodGC':
      return {
        ...nodeLost,
        message: 'The node (machine) of the project no longer exists, so the cluster is removing the pod.',
      };
    case 'EvictionByEvictionAPI':
      return { ...drained, ...evidenceIn(newest(/^(Evicted|Disrupted|ScaleDown)$/)) };
    case 'TerminationByKubelet':
      return {
        ...drained,
        reason: 'evicted',
        message: `The node (machine) of the project is ending the pod. ${kubernetesReports(condition?.message ?? '')}`,
        nextStep: 'A new pod starts by itself.',
        actor: 'nobody',
      };
  }
  const taint = newest(/^TaintManagerEviction$/);
  if (taint) return { ...nodeLost, ...evidenceIn(taint) };
  const preemption = newest(/^Preempt(ed|ing)$/);
  if (preemption) return { ...preempted, ...evidenceIn(preemption) };
  const removal = newest(/^(ScaleDown|Disrupted)$/);
  if (removal ?? snapshot.node?.spec.unschedulable) return { ...drained, ...evidenceIn(removal) };
  return null;
}

const preempted: Cause = {
  state: 'stopping',
  reason: 'preempted',
  message: 'The pod is stopping to make room for a pod of higher priority.',
  nextStep: 'A new pod starts by itself when there is room for it.',
};
const nodeLost: Cause = {
  state: 'lost',
  reason: 'node-lost',
  message: 'The node (machine) of the project is lost or no longer accepts it, so the cluster is removing the pod.',
  nextStep: 'A new pod starts by itself when the old one is certainly gone. An administrator must check the node.',
};
const drained: Cause = {
  state: 'stopping',
  reason: 'drained',
  message: 'The pod is stopping because its node (machine) is being drained, for example for maintenance.',
  nextStep: 'A new pod starts by itself on another node.',
};

/** What keeps a pod that should be gone: its node does not answer, cannot end it, or has not said that it has. */
function overTime(termination: Termination): Diagnosis {
  const { snapshot, events, dueAt, recheckAt, finalizer, evidence } = termination;
  // pod_workers.go: FailedKillPod says why, ExceededGracePeriod only that the runtime was too slow.
  const failedKill =
    events.findLast(({ reason }) => reason === 'FailedKillPod') ??
    events.findLast(({ reason }) => reason === 'ExceededGracePeriod');
  const isSilent = isNodeSilent(termination);
  const failedUnmount = events.findLast(({ reason }) => reason === 'FailedUnMount');
  const running = snapshot.pod.status.containerStatuses.find(({ state }) => state.running);
  const why = isSilent
    ? 'Its node (machine) no longer answers.'
    : failedKill
      ? `Its node (machine) cannot end it. ${kubernetesReports(failedKill.message)}`
      : running
        ? `The container ${running.name} still runs, or its node (machine) no longer answers.`
        : failedUnmount
          ? `Its containers have ended, but its node (machine) cannot release its volume. ${kubernetesReports(failedUnmount.message)}`
          : 'Its containers have ended, but its node (machine) has not released it.';
  return createDiagnosis({
    state: 'stopping',
    reason: 'stuck-terminating',
    message: `The pod should have ended but has not. ${why}`,
    nextStep: `An administrator must check the node${snapshot.pod.spec.nodeName ? ` ${snapshot.pod.spec.nodeName}` : ''}. ${continues}`,
    since: dueAt,
    // A finalizer becomes the diagnosis once the pod is overdue.
    recheckAt: finalizer === undefined ? null : recheckAt,
    evidence: [
      ...[failedKill ?? failedUnmount].flatMap((event) => (event ? [evidenceOfEvent(event)] : [])),
      ...evidence,
    ],
  });
}

/** Whether the node has stopped reporting, so that nothing ends the pod. */
function isNodeSilent({ snapshot: { pod, node }, events }: Termination): boolean {
  const ready = conditionOf(pod, 'Ready')?.status;
  // The node lifecycle controller sets Unknown when the node has stopped reporting.
  if (ready === 'Unknown') return true;
  if (ready !== 'False') return false;
  const isUnknown = node?.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'Unknown');
  return Boolean(isUnknown) || events.some(({ reason }) => reason === 'NodeNotReady');
}
