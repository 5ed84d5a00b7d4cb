/** A pod that should run but no longer exists. Its last events say why. */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOfEvent } from './evidence.ts';
import { oldestFirst } from './snapshot-events.ts';

/** @param events events of the pod and its claim, in any order */
export function diagnoseGone(events: KubernetesEvent[]): Diagnosis {
  const podEvents = oldestFirst(events).filter(({ involvedObject }) => involvedObject.kind === 'Pod');
  const newest = (pattern: RegExp) => podEvents.findLast(({ reason }) => pattern.test(reason));
  const nextStep = 'A new pod starts by itself.';
  const preempted = newest(/^Preempt(ed|ing)$/);
  if (preempted) {
    return createDiagnosis({
      state: 'lost',
      reason: 'preempted',
      message: 'The pod made room for a pod of higher priority and is gone.',
      nextStep,
      evidence: [evidenceOfEvent(preempted)],
    });
  }
  const nodeLost = newest(/^(TaintManagerEviction|NodeNotReady|DeletingNode|NodeControllerEviction)$/);
  if (nodeLost) {
    return createDiagnosis({
      state: 'lost',
      reason: 'pod-gone',
      message: 'The pod is gone because its node (machine) was lost.',
      nextStep,
      evidence: [evidenceOfEvent(nodeLost)],
    });
  }
  const ended = newest(/^(Evicted|Killing)$/);
  return createDiagnosis({
    state: 'lost',
    reason: 'pod-gone',
    message: 'The pod is gone: it was not found in the cluster. Somebody may have deleted it.',
    nextStep,
    evidence: ended ? [evidenceOfEvent(ended)] : [],
  });
}
