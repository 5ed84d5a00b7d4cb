/** A pod that no node has taken yet: the scheduler's message, in words. */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import type { KubernetesPod } from '../kube/kubernetes-pod.ts';
import { conditionOf } from '../kube/kubernetes-pod.ts';
import {
  deadlineAfter,
  deadlines,
  eventPiece,
  diagnosis,
  isOverdue,
  isSince,
  lastEvent,
  listed,
  piece,
  type Diagnosis,
  type PodSnapshot,
} from './pod-snapshot.ts';
import { diagnoseVolume } from './volume-failures.ts';

/** What keeps a node from taking the pod. Each is told once, whatever the number of nodes. */
const obstacles: readonly (readonly [RegExp, (match: RegExpExecArray) => string])[] = [
  [/insufficient ephemeral-storage/i, () => 'none has enough free disk space'],
  [/insufficient cpu/i, () => 'none has enough free CPU'],
  [/insufficient memory/i, () => 'none has enough free memory'],
  [/insufficient ([\w./-]+)/i, (match) => `none has enough ${match[1]}`],
  [/too many pods/i, () => 'they run as many pods as they may'],
  [/disk-pressure/i, () => 'their disk is nearly full'],
  [/memory-pressure/i, () => 'their memory is nearly full'],
  [/pid-pressure/i, () => 'they run too many processes'],
  [/node\.kubernetes\.io\/(not-ready|network-unavailable)/i, () => 'the node is not ready'],
  [/node\.kubernetes\.io\/unreachable/i, () => 'the node does not answer'],
  [/node\.kubernetes\.io\/unschedulable|were unschedulable/i, () => 'the node takes no new pods (maintenance)'],
  [
    /had (?:untolerated )?taints? (?:\{([^}:]*)[^}]*\})?/i,
    (match) => `they are kept for other work (taint ${match[1]?.trim() ?? ''})`,
  ],
  [/didn't match (?:pod's )?node (?:affinity|selector)/i, () => 'none has the labels that the pod asks for'],
  [/volume node affinity conflict/i, () => 'its volume can be used in another zone or on another node only'],
  [/exceed max volume count|maximum number of volumes/i, () => 'they carry as many volumes as they may'],
  [/anti-affinity|pod affinity|topology spread/i, () => 'the rules about its place leave none'],
  [/didn't have free ports/i, () => 'the ports that it asks for are taken'],
];

export function diagnoseScheduling(snapshot: PodSnapshot, events: KubernetesEvent[]): Diagnosis {
  const { pod, now } = snapshot;
  const condition = conditionOf(pod, 'PodScheduled');
  if (condition?.status !== 'False') return waitingForScheduler(pod, now);
  const message = condition.message ?? '';
  const volume = diagnoseVolume(snapshot, message);
  if (volume) return volume;
  const since = condition.lastTransitionTime ?? null;
  const evidence = [piece('pod', 'PodScheduled', message, { reason: condition.reason ?? null })];
  if (condition.reason !== 'Unschedulable') return waitingForScheduler(pod, now, evidence);

  const scaling = lastEvent(
    events,
    (event) => /^(TriggeredScaleUp|Nominated)$/.test(event.reason) && isSince(event, pod.metadata.creationTimestamp),
  );
  if (scaling) {
    return diagnosis(
      'starting',
      'scaling-up',
      {
        message: 'No node (a machine of the cluster) has room, so one is being added.',
        nextStep: 'It goes on by itself when the new node is there; that takes some minutes.',
      },
      { since, evidence: [eventPiece(scaling), ...evidence] },
    );
  }
  return diagnosis(
    'failing',
    'unschedulable',
    {
      message: `No node (a machine of the cluster) can take the project: ${obstaclesIn(message)}.`,
      nextStep: 'An administrator must make room or add a node; it goes on by itself then.',
    },
    { since, evidence },
  );
}

/** What comes after "preemption:" is about others that could be moved, and repeats the nodes. */
function obstaclesIn(message: string): string {
  const [text = ''] = message.split(/\bpreemption:/);
  if (/^no nodes available|^0\/0 nodes/.test(text)) return 'the cluster has no nodes';
  const found: string[] = [];
  // Each part is of other nodes; a part has one reason, but for taints whose text has commas of its own.
  for (const part of text.split(/,(?![^{]*\})/)) {
    const hit = obstacles.map(([pattern, words]) => [pattern.exec(part), words] as const).find(([match]) => match);
    const words = hit?.[0] ? hit[1](hit[0]) : null;
    if (words !== null && !found.includes(words)) found.push(words);
  }
  return found.length === 0 ? 'the text of Kubernetes says why' : listed(found);
}

function waitingForScheduler(pod: KubernetesPod, now: number, evidence: Diagnosis['evidence'] = []): Diagnosis {
  const from = pod.metadata.creationTimestamp;
  if (isOverdue(from, deadlines.schedulingMs, now)) {
    return diagnosis(
      'starting',
      'waiting-for-node',
      {
        message: 'The project is waiting for a node (a machine of the cluster), longer than usual.',
        nextStep: 'If it stays so, an administrator must look at the scheduler of the cluster.',
      },
      { since: from, evidence, actor: 'administrator' },
    );
  }
  return diagnosis(
    'starting',
    'waiting-for-node',
    { message: 'The project is waiting for a node (a machine of the cluster).', nextStep: 'One is chosen by itself.' },
    { since: from, evidence, recheckAt: deadlineAfter(from, deadlines.schedulingMs, now) },
  );
}
