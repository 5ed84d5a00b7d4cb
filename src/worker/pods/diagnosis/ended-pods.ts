/** A pod that is on its way out, has ended, or is gone. */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { conditionOf, type KubernetesPod } from '../kube/kubernetes-pod.ts';
import { timeOf } from '../kube/kubernetes-time.ts';
import { endPiece, describeExit } from './exit-codes.ts';
import {
  deadlineAfter,
  deadlines,
  eventPiece,
  diagnosis,
  isOverdue,
  lastEvent,
  piece,
  type Diagnosis,
  type PodSnapshot,
} from './pod-snapshot.ts';

/** A pod whose deletion has been asked for, by us or by the cluster. */
export function diagnoseTerminating({ pod, node, now }: PodSnapshot, events: KubernetesEvent[]): Diagnosis {
  const due = pod.metadata.deletionTimestamp; // the time at which it should be gone
  const isOverTime = isOverdue(due, deadlines.terminationMs, now);
  const recheckAt = deadlineAfter(due, deadlines.terminationMs, now);
  const disruption = conditionOf(pod, 'DisruptionTarget');
  const cause = disruption?.status === 'True' ? disruption.reason : undefined;
  const evidence = [
    piece(
      'pod',
      'deletionTimestamp',
      `to be gone by ${due}, with ${pod.metadata.deletionGracePeriodSeconds ?? '?'} s of grace`,
    ),
    ...(disruption
      ? [piece('pod', 'DisruptionTarget', disruption.message, { reason: disruption.reason ?? null })]
      : []),
  ];

  if (isOverTime && pod.metadata.finalizers.length > 0) {
    return diagnosis(
      'stopping',
      'stuck-on-finalizer',
      {
        message: `The pod has ended but is kept by "${pod.metadata.finalizers[0]}".`,
        nextStep:
          'An administrator must find the program that set this finalizer; it goes on by itself as soon as the pod is gone.',
      },
      { evidence: [...evidence, piece('pod', 'finalizers', pod.metadata.finalizers.join(', '))] },
    );
  }
  const eviction = lastEvent(events, ({ reason }) => reason === 'TaintManagerEviction');
  if (eviction || cause === 'DeletionByTaintManager') {
    return diagnosis(
      'lost',
      'node-lost',
      {
        message: 'The node (machine) of the project was lost or shut for it, and the pod is being taken off it.',
        nextStep: 'A new pod starts by itself when the old one is surely gone; an administrator must look at the node.',
      },
      { recheckAt, evidence: [...(eviction ? [eventPiece(eviction)] : []), ...evidence] },
    );
  }
  if (isOverTime || isNodeSilent(pod, node, events)) {
    return diagnosis(
      'stopping',
      'stuck-terminating',
      {
        message: 'The pod should have ended and has not; its node (machine) may no longer answer.',
        nextStep: 'An administrator must look at the node. It goes on by itself as soon as the pod is gone.',
      },
      // A finalizer that keeps it is named when the node has had its time.
      { since: due ?? null, recheckAt: pod.metadata.finalizers.length > 0 ? recheckAt : null, evidence },
    );
  }
  const preempted = lastEvent(events, ({ reason }) => reason === 'Preempted' || reason === 'Preempting');
  if (preempted || cause === 'PreemptionByScheduler') {
    return diagnosis(
      'stopping',
      'preempted',
      {
        message: 'The pod is stopping to make room for one of higher priority.',
        nextStep: 'A new one starts by itself when there is room for it.',
      },
      { recheckAt, evidence: [...(preempted ? [eventPiece(preempted)] : []), ...evidence] },
    );
  }
  if (node?.spec.unschedulable || cause === 'EvictionByEvictionAPI') {
    return diagnosis(
      'stopping',
      'drained',
      {
        message: 'The pod is stopping because its node (machine) is being drained, as for maintenance.',
        nextStep: 'A new one starts by itself on another node.',
      },
      { recheckAt, evidence },
    );
  }
  return diagnosis(
    'stopping',
    'stopping',
    { message: 'The pod is stopping.', nextStep: 'It goes on by itself as soon as the pod is gone.' },
    { recheckAt, evidence },
  );
}

/** Nobody hears of the node, so nobody ends the pod. */
function isNodeSilent(pod: KubernetesPod, node: PodSnapshot['node'], events: KubernetesEvent[]): boolean {
  const isUnready = conditionOf(pod, 'Ready')?.status === 'False';
  const told = lastEvent(events, ({ reason }) => reason === 'NodeNotReady');
  const isUnknown = node?.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'Unknown');
  return isUnready && (Boolean(isUnknown) || told !== undefined);
}

/** A pod of the phase Failed or Succeeded: this one never runs again. */
export function diagnoseEnded({ pod }: PodSnapshot, events: KubernetesEvent[]): Diagnosis {
  const { reason = '', message } = pod.status;
  const evidence = [
    piece('pod', 'status', message ?? reason, { reason: reason || null }),
    ...[lastEvent(events, (event) => event.isWarning)].flatMap((event) => (event ? [eventPiece(event)] : [])),
  ];
  const anew = 'A new one is started by itself.';
  if (pod.status.phase === 'Succeeded') {
    return diagnosis(
      'failed',
      'completed',
      { message: 'All containers have completed and do not run again.', nextStep: `They are meant to go on. ${anew}` },
      { evidence },
    );
  }
  switch (reason) {
    case 'Evicted':
      return diagnosis(
        'failed',
        'evicted',
        {
          message: `The pod was evicted from its node (machine) because ${evictionCause(message ?? '')}.`,
          nextStep: `${anew} Files in the workspace are kept.`,
        },
        { evidence },
      );
    case 'Preempting':
    case 'Preempted':
      return diagnosis(
        'failed',
        'preempted',
        { message: 'The pod gave way to one of higher priority.', nextStep: anew },
        { evidence },
      );
    case 'DeadlineExceeded':
      return diagnosis(
        'failed',
        'deadline-exceeded',
        {
          message: 'The pod ran longer than its time limit allows, and was ended.',
          nextStep: `${anew} If the limit is too short, an administrator must raise it.`,
        },
        { evidence },
      );
    case 'NodeLost':
      return diagnosis(
        'lost',
        'node-lost',
        { message: 'The node (machine) that ran the pod was lost.', nextStep: anew },
        { evidence },
      );
    case 'NodeAffinity':
    case 'OutOfcpu':
    case 'OutOfmemory':
    case 'OutOfpods':
    case 'OutOfephemeral-storage':
    case 'UnexpectedAdmissionError':
    case 'NodeShutdown':
    case 'Terminated':
    case 'Shutdown':
      return diagnosis(
        'failed',
        'node-refused',
        {
          message: `The node (machine) ${nodeRefusal(reason)}.`,
          nextStep: `${anew} If it happens again, an administrator must look at the node.`,
        },
        { evidence },
      );
    default:
      return diagnoseFailedContainer(pod, evidence);
  }
}

function evictionCause(message: string): string {
  if (/ephemeral|disk/i.test(message))
    return 'it used more disk storage outside its volume than allowed, or the disk of the node was full';
  if (/memory/i.test(message)) return 'the node was short of memory';
  if (/pid|process/i.test(message)) return 'the node ran too many processes';
  return 'the node was short of resources';
}

function nodeRefusal(reason: string): string {
  switch (reason) {
    case 'NodeAffinity':
      return 'refused the pod: it does not have the labels that the pod asks for';
    case 'OutOfcpu':
      return 'refused the pod: it has not enough free CPU';
    case 'OutOfmemory':
      return 'refused the pod: it has not enough free memory';
    case 'OutOfpods':
      return 'refused the pod: it runs as many as it may';
    case 'NodeShutdown':
    case 'Terminated':
    case 'Shutdown':
      return 'was shut down, and the pod with it';
    default:
      return 'refused the pod';
  }
}

function diagnoseFailedContainer(pod: KubernetesPod, evidence: Diagnosis['evidence']): Diagnosis {
  const inits = pod.status.initContainerStatuses;
  const culprit = [...inits, ...pod.status.containerStatuses].find(
    ({ state }) => (state.terminated?.exitCode ?? 0) !== 0,
  );
  const end = culprit?.state.terminated;
  const nextStep = 'A new one is started by itself.';
  if (!culprit || !end)
    return diagnosis('failed', 'pod-failed', { message: 'The pod failed.', nextStep }, { evidence });
  const reason = end.reason === 'OOMKilled' ? 'out-of-memory' : inits.includes(culprit) ? 'init-failed' : 'pod-failed';
  return diagnosis(
    'failed',
    reason,
    { message: `The pod failed: the container ${culprit.name} ${describeExit(end)}.`, nextStep },
    { evidence: [endPiece(culprit.name, end), ...evidence] },
  );
}

/** A pod that is not there any more although it is wanted: what its last events tell of its end. */
export function diagnoseGone(events: KubernetesEvent[]): Diagnosis {
  const newest = events
    .toSorted((a, b) => (timeOf(a.at) ?? 0) - (timeOf(b.at) ?? 0))
    .filter(({ of }) => of.kind === 'Pod');
  const find = (pattern: RegExp) => lastEvent(newest, ({ reason }) => pattern.test(reason));
  const nextStep = 'A new one is started by itself.';
  const preempted = find(/^Preempt(ed|ing)$/);
  if (preempted) {
    return diagnosis(
      'lost',
      'preempted',
      { message: 'The pod made room for one of higher priority, and is gone.', nextStep },
      { evidence: [eventPiece(preempted)] },
    );
  }
  const node = find(/^(TaintManagerEviction|NodeNotReady|DeletingNode|NodeControllerEviction)$/);
  if (node) {
    return diagnosis(
      'lost',
      'pod-gone',
      { message: 'The pod is gone, because its node (machine) was lost.', nextStep },
      { evidence: [eventPiece(node)] },
    );
  }
  const last = find(/^(Evicted|Killing)$/);
  return diagnosis(
    'lost',
    'pod-gone',
    { message: 'The pod is gone: it was not found in the cluster. Somebody may have deleted it.', nextStep },
    { evidence: last ? [eventPiece(last)] : [] },
  );
}
