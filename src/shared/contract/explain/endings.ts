/** A pod that is on its way out, has ended, or is gone. */
import type { KubernetesEvent } from '../kubernetes-event.ts';
import { conditionOf, type KubernetesPod } from '../kubernetes-pod.ts';
import { timeOf } from '../kubernetes-time.ts';
import { endPiece, exitInWords } from './exit-words.ts';
import {
  deadlineAfter,
  deadlines,
  eventPiece,
  explain,
  isOverdue,
  lastEvent,
  piece,
  type PodExplanation,
  type Situation,
} from './situation.ts';

/** A pod whose deletion has been asked for, by us or by the cluster. */
export function explainLeaving({ pod, node, now }: Situation, events: KubernetesEvent[]): PodExplanation {
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
    return explain(
      'stopping',
      'stuck-on-finalizer',
      {
        sentence: `The pod has ended but is kept by "${pod.metadata.finalizers[0]}".`,
        next: 'An administrator must find the program that set this finalizer; it goes on by itself as soon as the pod is gone.',
      },
      { evidence: [...evidence, piece('pod', 'finalizers', pod.metadata.finalizers.join(', '))] },
    );
  }
  const eviction = lastEvent(events, ({ reason }) => reason === 'TaintManagerEviction');
  if (eviction || cause === 'DeletionByTaintManager') {
    return explain(
      'lost',
      'node-lost',
      {
        sentence: 'The node (machine) of the project was lost or shut for it, and the pod is being taken off it.',
        next: 'A new pod starts by itself when the old one is surely gone; an administrator must look at the node.',
      },
      { recheckAt, evidence: [...(eviction ? [eventPiece(eviction)] : []), ...evidence] },
    );
  }
  if (isOverTime || isNodeSilent(pod, node, events)) {
    return explain(
      'stopping',
      'stuck-terminating',
      {
        sentence: 'The pod should have ended and has not; its node (machine) may no longer answer.',
        next: 'An administrator must look at the node. It goes on by itself as soon as the pod is gone.',
      },
      // A finalizer that keeps it is named when the node has had its time.
      { since: due ?? null, recheckAt: pod.metadata.finalizers.length > 0 ? recheckAt : null, evidence },
    );
  }
  const preempted = lastEvent(events, ({ reason }) => reason === 'Preempted' || reason === 'Preempting');
  if (preempted || cause === 'PreemptionByScheduler') {
    return explain(
      'stopping',
      'preempted',
      {
        sentence: 'The pod is stopping to make room for one of higher priority.',
        next: 'A new one starts by itself when there is room for it.',
      },
      { recheckAt, evidence: [...(preempted ? [eventPiece(preempted)] : []), ...evidence] },
    );
  }
  if (node?.spec.unschedulable || cause === 'EvictionByEvictionAPI') {
    return explain(
      'stopping',
      'drained',
      {
        sentence: 'The pod is stopping because its node (machine) is being drained, as for maintenance.',
        next: 'A new one starts by itself on another node.',
      },
      { recheckAt, evidence },
    );
  }
  return explain(
    'stopping',
    'stopping',
    { sentence: 'The pod is stopping.', next: 'It goes on by itself as soon as the pod is gone.' },
    { recheckAt, evidence },
  );
}

/** Nobody hears of the node, so nobody ends the pod. */
function isNodeSilent(pod: KubernetesPod, node: Situation['node'], events: KubernetesEvent[]): boolean {
  const isUnready = conditionOf(pod, 'Ready')?.status === 'False';
  const told = lastEvent(events, ({ reason }) => reason === 'NodeNotReady');
  const isUnknown = node?.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'Unknown');
  return isUnready && (Boolean(isUnknown) || told !== undefined);
}

/** A pod of the phase Failed or Succeeded: this one never runs again. */
export function explainEnded({ pod }: Situation, events: KubernetesEvent[]): PodExplanation {
  const { reason = '', message } = pod.status;
  const evidence = [
    piece('pod', 'status', message ?? reason, { reason: reason || null }),
    ...[lastEvent(events, (event) => event.isWarning)].flatMap((event) => (event ? [eventPiece(event)] : [])),
  ];
  const anew = 'A new one is started by itself.';
  if (pod.status.phase === 'Succeeded') {
    return explain(
      'failed',
      'completed',
      { sentence: 'All containers have completed and do not run again.', next: `They are meant to go on. ${anew}` },
      { evidence },
    );
  }
  switch (reason) {
    case 'Evicted':
      return explain(
        'failed',
        'evicted',
        {
          sentence: `The pod was evicted from its node (machine) because ${evictionCause(message ?? '')}.`,
          next: `${anew} Files in the workspace are kept.`,
        },
        { evidence },
      );
    case 'Preempting':
    case 'Preempted':
      return explain(
        'failed',
        'preempted',
        { sentence: 'The pod gave way to one of higher priority.', next: anew },
        { evidence },
      );
    case 'DeadlineExceeded':
      return explain(
        'failed',
        'deadline-exceeded',
        {
          sentence: 'The pod ran longer than its time limit allows, and was ended.',
          next: `${anew} If the limit is too short, an administrator must raise it.`,
        },
        { evidence },
      );
    case 'NodeLost':
      return explain(
        'lost',
        'node-lost',
        { sentence: 'The node (machine) that ran the pod was lost.', next: anew },
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
      return explain(
        'failed',
        'node-refused',
        {
          sentence: `The node (machine) ${nodeRefusal(reason)}.`,
          next: `${anew} If it happens again, an administrator must look at the node.`,
        },
        { evidence },
      );
    default:
      return explainFailedContainer(pod, evidence);
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

function explainFailedContainer(pod: KubernetesPod, evidence: PodExplanation['evidence']): PodExplanation {
  const inits = pod.status.initContainerStatuses;
  const culprit = [...inits, ...pod.status.containerStatuses].find(
    ({ state }) => (state.terminated?.exitCode ?? 0) !== 0,
  );
  const end = culprit?.state.terminated;
  const next = 'A new one is started by itself.';
  if (!culprit || !end) return explain('failed', 'pod-failed', { sentence: 'The pod failed.', next }, { evidence });
  const reason = end.reason === 'OOMKilled' ? 'out-of-memory' : inits.includes(culprit) ? 'init-failed' : 'pod-failed';
  return explain(
    'failed',
    reason,
    { sentence: `The pod failed: the container ${culprit.name} ${exitInWords(end)}.`, next },
    { evidence: [endPiece(culprit.name, end), ...evidence] },
  );
}

/** A pod that is not there any more although it is wanted: what its last events tell of its end. */
export function explainGone(events: KubernetesEvent[]): PodExplanation {
  const newest = events
    .toSorted((a, b) => (timeOf(a.at) ?? 0) - (timeOf(b.at) ?? 0))
    .filter(({ of }) => of.kind === 'Pod');
  const find = (pattern: RegExp) => lastEvent(newest, ({ reason }) => pattern.test(reason));
  const next = 'A new one is started by itself.';
  const preempted = find(/^Preempt(ed|ing)$/);
  if (preempted) {
    return explain(
      'lost',
      'preempted',
      { sentence: 'The pod made room for one of higher priority, and is gone.', next },
      { evidence: [eventPiece(preempted)] },
    );
  }
  const node = find(/^(TaintManagerEviction|NodeNotReady|DeletingNode|NodeControllerEviction)$/);
  if (node) {
    return explain(
      'lost',
      'pod-gone',
      { sentence: 'The pod is gone, because its node (machine) was lost.', next },
      { evidence: [eventPiece(node)] },
    );
  }
  const last = find(/^(Evicted|Killing)$/);
  return explain(
    'lost',
    'pod-gone',
    { sentence: 'The pod is gone: it was not found in the cluster. Somebody may have deleted it.', next },
    { evidence: last ? [eventPiece(last)] : [] },
  );
}
