/** A pod without a node: reads the scheduler's message and says why no node can take the pod. */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { conditionOf, type KubernetesPod } from '../kube/kubernetes-pod.ts';
import { deadlineAfter, deadlines, isOverdue } from './deadlines.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOf, evidenceOfEvent } from './evidence.ts';
import { joinWithAnd } from './join-with-and.ts';
import type { PodSnapshot } from './pod-snapshot.ts';
import { isSince } from './snapshot-events.ts';
import { diagnoseVolume } from './volume-failures.ts';

/** What keeps nodes from taking the pod. Each obstacle is named once, however many nodes have it. */
const obstacles: readonly (readonly [RegExp, (match: RegExpExecArray) => string])[] = [
  [/insufficient ephemeral-storage/i, () => 'none has enough free disk space'],
  [/insufficient cpu/i, () => 'none has enough free CPU'],
  [/insufficient memory/i, () => 'none has enough free memory'],
  [/insufficient ([\w./-]+)/i, (match) => `none has enough ${match[1]}`],
  [/too many pods/i, () => 'they already run the maximum number of pods'],
  [/disk-pressure/i, () => 'their disk is nearly full'],
  [/memory-pressure/i, () => 'their memory is nearly full'],
  [/pid-pressure/i, () => 'they run too many processes'],
  [/node\.kubernetes\.io\/(not-ready|network-unavailable)/i, () => 'the node is not ready'],
  [/node\.kubernetes\.io\/unreachable/i, () => 'the node does not answer'],
  [/node\.kubernetes\.io\/unschedulable|were unschedulable/i, () => 'the node accepts no new pods (maintenance)'],
  [
    /had (?:untolerated )?taints? (?:\{([^}:]*)[^}]*\})?/i,
    (match) => `they are reserved for other work (taint ${match[1]?.trim() ?? ''})`,
  ],
  [/didn't match (?:pod's )?node (?:affinity|selector)/i, () => 'none has the labels that the pod requires'],
  [/volume node affinity conflict/i, () => 'its volume can only be used in another zone or on another node'],
  [/exceed max volume count|maximum number of volumes/i, () => 'they already have the maximum number of volumes'],
  [/anti-affinity|pod affinity|topology spread/i, () => 'the placement rules of the pod exclude them'],
  [/didn't have free ports/i, () => 'the ports that it requires are in use'],
];

/** @param events events of this pod, oldest first */
export function diagnoseScheduling(snapshot: PodSnapshot, events: KubernetesEvent[]): Diagnosis {
  const { pod, now } = snapshot;
  const condition = conditionOf(pod, 'PodScheduled');
  if (condition?.status !== 'False') return diagnoseWaiting(pod, now);
  const schedulerMessage = condition.message ?? '';
  const volume = diagnoseVolume(snapshot, schedulerMessage);
  if (volume) return volume;
  const since = condition.lastTransitionTime ?? null;
  const evidence = [
    evidenceOf({
      source: 'pod',
      subject: 'PodScheduled',
      text: schedulerMessage,
      reason: condition.reason ?? null,
    }),
  ];
  if (condition.reason !== 'Unschedulable') return diagnoseWaiting(pod, now, evidence);

  const scaling = events.findLast(
    (event) => /^(TriggeredScaleUp|Nominated)$/.test(event.reason) && isSince(event, pod.metadata.creationTimestamp),
  );
  if (scaling) {
    return createDiagnosis({
      state: 'starting',
      reason: 'scaling-up',
      message: 'No node (a machine of the cluster) has room, so a new one is being added.',
      nextStep: 'The start continues by itself when the new node is ready. That takes some minutes.',
      since,
      evidence: [evidenceOfEvent(scaling), ...evidence],
    });
  }
  return createDiagnosis({
    state: 'failing',
    reason: 'unschedulable',
    message: `No node (a machine of the cluster) can take the project: ${obstaclesIn(schedulerMessage)}.`,
    nextStep: 'An administrator must make room or add a node. The start then continues by itself.',
    since,
    evidence,
  });
}

function obstaclesIn(schedulerMessage: string): string {
  // The text after "preemption:" is about other pods that could be moved, and repeats the nodes.
  const [text = ''] = schedulerMessage.split(/\bpreemption:/);
  if (/^no nodes available|^0\/0 nodes/.test(text)) return 'the cluster has no nodes';
  const found = new Set<string>();
  // The parts are separated by commas, and each has one obstacle. A comma inside a taint's braces separates nothing.
  for (const part of text.split(/,(?![^{]*\})/)) {
    const obstacle = obstacleIn(part);
    if (obstacle !== null) found.add(obstacle);
  }
  return found.size === 0 ? 'the message of Kubernetes says why' : joinWithAnd([...found]);
}

function obstacleIn(part: string): string | null {
  for (const [pattern, describe] of obstacles) {
    const match = pattern.exec(part);
    if (match) return describe(match);
  }
  return null;
}

/** The scheduler has not decided about the pod yet. */
function diagnoseWaiting(pod: KubernetesPod, now: number, evidence: Diagnosis['evidence'] = []): Diagnosis {
  const since = pod.metadata.creationTimestamp;
  if (isOverdue(since, deadlines.schedulingMs, now)) {
    return createDiagnosis({
      state: 'starting',
      reason: 'waiting-for-node',
      message: 'The project has been waiting for a node (a machine of the cluster) longer than usual.',
      nextStep: 'If this continues, an administrator must check the scheduler of the cluster.',
      actor: 'administrator',
      since,
      evidence,
    });
  }
  return createDiagnosis({
    state: 'starting',
    reason: 'waiting-for-node',
    message: 'The project is waiting for a node (a machine of the cluster).',
    nextStep: 'The scheduler chooses one by itself.',
    since,
    evidence,
    recheckAt: deadlineAfter(since, deadlines.schedulingMs, now),
  });
}
