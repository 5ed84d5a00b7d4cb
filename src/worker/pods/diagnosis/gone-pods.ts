/** A pod that should run but no longer exists. Its last events say why. */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evictionOf } from './evictions.ts';
import { evidenceOfEvent } from './evidence.ts';
import { oldestFirst } from './snapshot-events.ts';

interface GoneCause {
  /** The reasons of events that say so. */
  events: RegExp;
  reason: 'preempted' | 'drained' | 'pod-gone';
  message: string;
}

/** In this order: the first of which an event exists counts. */
const causes: readonly GoneCause[] = [
  // `pkg/scheduler/framework/preemption` and `pkg/kubelet/preemption`.
  {
    events: /^Preempt(?:ed|ing)$/,
    reason: 'preempted',
    message: 'The pod made room for a pod of higher priority and is gone.',
  },
  // `pkg/controller/tainteviction` and `nodelifecycle`.
  {
    events: /^(?:TaintManagerEviction|NodeNotReady|DeletingNode|NodeControllerEviction)$/,
    reason: 'pod-gone',
    message: 'The pod is gone because its node (machine) was lost.',
  },
  // Cluster autoscaler `core/scaledown`, Karpenter `events` (Disrupted, Evicted), the vertical autoscaler and the descheduler.
  {
    events: /^(?:ScaleDown|Disrupted|Evicted|EvictedByVPA|EvictedPod|Descheduled|Draining)$/,
    reason: 'drained',
    message:
      'The pod was moved away from its node (machine), for example for maintenance or to save a node, and is gone.',
  },
];

/** @param events events of the pod and its claim, in any order */
export function diagnoseGone(events: KubernetesEvent[]): Diagnosis {
  const podEvents = oldestFirst(events).filter(({ involvedObject }) => involvedObject.kind === 'Pod');
  const newest = (pattern: RegExp) => podEvents.findLast(({ reason }) => pattern.test(reason));
  const nextStep = 'A new pod starts by itself.';
  // The kubelet warns of an eviction for the sake of its node; autoscalers record the same reason as an ordinary event.
  const eviction = podEvents.findLast(({ reason, isWarning }) => reason === 'Evicted' && isWarning);
  if (eviction) {
    return createDiagnosis({ ...evictionOf(eviction.message), state: 'lost', evidence: [evidenceOfEvent(eviction)] });
  }
  for (const { events: pattern, reason, message } of causes) {
    const event = newest(pattern);
    if (event) return createDiagnosis({ state: 'lost', reason, message, nextStep, evidence: [evidenceOfEvent(event)] });
  }
  const ended = newest(/^Killing$/);
  return createDiagnosis({
    state: 'lost',
    reason: 'pod-gone',
    message: 'The pod is gone: it was not found in the cluster. Somebody may have deleted it.',
    nextStep,
    evidence: ended ? [evidenceOfEvent(ended)] : [],
  });
}
