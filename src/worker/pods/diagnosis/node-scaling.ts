/**
 * Whether the cluster adds a node for a pod: the events of the cluster autoscaler (docs: cluster-autoscaler/FAQ.md, "What
 * events are emitted by CA?") and of Karpenter (pkg/controllers/provisioning/scheduling/events.go). The newest event counts.
 */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { deadlineAfter, deadlines, isOverdue } from './deadlines.ts';
import { obstaclesOfGroups, quotedClause } from './scheduling-obstacles.ts';
import { isSince } from './snapshot-events.ts';

export type NodeScaling =
  | {
      kind: 'adding';
      event: KubernetesEvent;
      /** Whether a new node is requested. Karpenter also nominates nodes that exist. */
      isNew: boolean;
      recheckAt: string | null;
    }
  /** The node that was requested did not come in time. */
  | { kind: 'gave-up'; event: KubernetesEvent }
  | { kind: 'refused'; event: KubernetesEvent; why: string };

const addingReasons = new Set(['TriggeredScaleUp', 'Nominated']);
/** `FailedScaleUp` is reported by GKE: the cloud had no machine. */
const refusingReasons = new Set(['NotTriggerScaleUp', 'FailedScaleUp']);

/** Karpenter uses the scheduler's reason FailedScheduling for its own refusals. EKS Auto Mode is a Karpenter, too. */
export function isScalingRefusal({ reason, message, component }: KubernetesEvent): boolean {
  if (refusingReasons.has(reason)) return true;
  const isKarpenter = /^karpenter|auto-mode/.test(component) || message.startsWith('Failed to schedule pod, ');
  return reason === 'FailedScheduling' && isKarpenter;
}

/** @param events events of this pod, oldest first */
export function nodeScaling(
  events: KubernetesEvent[],
  { createdAt, now }: { createdAt: string; now: number },
): NodeScaling | null {
  const newest = events.findLast(
    (event) => (addingReasons.has(event.reason) || isScalingRefusal(event)) && isSince(event, createdAt),
  );
  if (!newest) return null;
  if (isScalingRefusal(newest)) return { kind: 'refused', event: newest, why: whyRefused(newest) };
  if (isOverdue(newest.firstAt, deadlines.scaleUpMs, now)) return { kind: 'gave-up', event: newest };
  return {
    kind: 'adding',
    event: newest,
    isNew: !/^Pod should schedule on: node\/\S+$/.test(newest.message),
    recheckAt: deadlineAfter(newest.firstAt, deadlines.scaleUpMs, now),
  };
}

/** The skipped reasons of the cluster autoscaler: cluster-autoscaler/core/scaleup/orchestrator/skippedreasons.go. */
const autoscalerReasons = [
  [/^max node group size reached$/i, { says: 'the largest number of nodes is reached', action: null }],
  [/^max cluster .*limit reached$/i, { says: 'the limit of the cluster is reached', action: null }],
  [/^in backoff after failed scale-up$/i, { says: 'an earlier attempt to add a node failed', action: null }],
  [/^not ready for scale-up$/i, { says: 'a group of nodes is not ready to grow', action: null }],
] as const;

/** Karpenter: pkg/controllers/provisioning/scheduling/nodeclaim.go and scheduler.go. */
const karpenterReasons: readonly (readonly [RegExp, string])[] = [
  // With "or" it does not say which of them is missing.
  [
    /met the scheduling requirements or had enough resources/i,
    'no kind of machine meets the placement rules of the pod, or none is large enough',
  ],
  [
    /met the scheduling requirements or had a required offering/i,
    'no kind of machine meets the placement rules of the pod, or the cloud does not offer it',
  ],
  [
    /had enough resources or had a required offering/i,
    'no kind of machine is large enough, or the cloud does not offer it',
  ],
  [/and the required offering had the required resources/i, 'no kind of machine that it may add is large enough'],
  [/and had enough resources, had a required offering/i, 'the cloud does not offer such a machine'],
  [/and the required offering met the scheduling requirements/i, 'no node pool meets the placement rules of the pod'],
  [/limits have been exhausted|exceed limits for nodepool/i, 'the limit of its node pools is reached'],
  [
    /no instance type (has|had) enough resources|no instance type satisfied resources|exceeds node resources/i,
    'no kind of machine that it may add is large enough',
  ],
  [
    /no instance type (has|had) the required offering|could not be reserved/i,
    'the cloud does not offer such a machine',
  ],
  [/did not tolerate (the )?taint/i, 'its node pools are reserved for other work'],
  [
    /unsatisfiable topology constraint|incompatible requirements|no instance type met (the scheduling|all) requirements/i,
    'no node pool meets the placement rules of the pod',
  ],
  [/incompatible volume requirements/i, 'no node pool can reach the volume'],
];

function whyRefused({ reason, message }: KubernetesEvent): string {
  if (reason === 'NotTriggerScaleUp') {
    const list = /scale-up(?: \([^)]*\))?:\s*([^]*)$/.exec(message)?.[1];
    return list === undefined ? quotedClause(message) : obstaclesOfGroups(list, autoscalerReasons).text;
  }
  // The names of node pools are chosen by people.
  const plain = message.replace(/"[^"]*"/g, '""');
  if (/out of resources|stockout|quota/i.test(plain) && reason === 'FailedScaleUp') {
    return 'the cloud has no such machine or no quota left';
  }
  const known = karpenterReasons.filter(([pattern]) => pattern.test(plain)).map(([, says]) => says);
  return known[0] ?? quotedClause(message.replace(/^Failed to schedule pod, /, ''));
}
