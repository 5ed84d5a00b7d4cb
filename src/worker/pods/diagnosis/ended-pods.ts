/**
 * A pod in the phase Failed or Succeeded: it never runs again, and a new pod replaces it. The question is who ended it. The order of
 * trust: the condition `DisruptionTarget`, then the reason of the pod, then its containers.
 */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { conditionOf, type ContainerStatus, type KubernetesPod } from '../kube/kubernetes-pod.ts';
import { actorFor } from './container-case.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { disruptionOf } from './disruptions.ts';
import { evictionOf, nodeShutdown, type EndCause } from './evictions.ts';
import { evidenceOf, evidenceOfEvent } from './evidence.ts';
import { describeExit, evidenceOfExit, isInterruption, lastWords } from './exit-codes.ts';
import { nodeRefusal } from './node-refusals.ts';
import type { PodSnapshot } from './pod-snapshot.ts';

const newPodStarts = 'A new pod starts by itself.';

/** @param events events of this pod, oldest first */
export function diagnoseEnded({ pod }: PodSnapshot, events: KubernetesEvent[]): Diagnosis {
  const { reason = '', message = '', phase } = pod.status;
  const warning = events.findLast((event) => event.isWarning);
  const disruption = conditionOf(pod, 'DisruptionTarget');
  const evidence = [
    ...(message || reason || !disruption
      ? [evidenceOf({ source: 'pod', subject: 'status', text: message || reason || phase, reason: reason || null })]
      : []),
    ...(disruption?.status === 'True'
      ? [
          evidenceOf({
            source: 'pod',
            subject: 'DisruptionTarget',
            text: disruption.message,
            reason: disruption.reason ?? null,
          }),
        ]
      : []),
    ...(warning ? [evidenceOfEvent(warning)] : []),
  ];
  const cause = disruptionOf(pod) ?? causeOfReason(pod);
  if (cause) return createDiagnosis({ ...cause, evidence });
  return phase === 'Succeeded' ? diagnoseCompleted(evidence) : diagnoseFailedContainer(pod, evidence);
}

/** By the reason that the kubelet or a controller gives for the end of the pod as a whole; `null` when it gives none. */
function causeOfReason(pod: KubernetesPod): EndCause | null {
  const { reason = '', message = '' } = pod.status;
  switch (reason) {
    case '':
      return null;
    case 'Evicted':
      return evictionOf(message);
    // `pkg/kubelet/preemption`: the kubelet makes room for a pod that the node itself needs.
    case 'Preempting':
    case 'Preempted':
      return {
        state: 'failed',
        reason: 'preempted',
        message: 'The pod made room for a pod of higher priority.',
        nextStep: newPodStarts,
      };
    // `pkg/kubelet/active_deadline.go`.
    case 'DeadlineExceeded':
      return {
        state: 'failed',
        reason: 'deadline-exceeded',
        message: 'The pod ran longer than its time limit allows and was ended.',
        nextStep: `${newPodStarts} If the limit is too short, an administrator must raise it.`,
      };
    case 'NodeLost':
      return {
        state: 'lost',
        reason: 'node-lost',
        message: 'The node (machine) that ran the pod was lost.',
        nextStep: newPodStarts,
      };
    // `pkg/kubelet/nodeshutdown`. Before Kubernetes 1.22: `Shutdown` and `NodeShutdown`.
    case 'Terminated':
    case 'Shutdown':
    case 'NodeShutdown':
      return nodeShutdown;
    default:
      return nodeRefusal(pod);
  }
}

function diagnoseCompleted(evidence: Diagnosis['evidence']): Diagnosis {
  return createDiagnosis({
    state: 'failed',
    reason: 'completed',
    message: 'All containers have completed and do not run again.',
    nextStep: `They are meant to keep running. ${newPodStarts}`,
    evidence,
  });
}

function diagnoseFailedContainer(pod: KubernetesPod, evidence: Diagnosis['evidence']): Diagnosis {
  const { initContainerStatuses, containerStatuses } = pod.status;
  const ended = [...initContainerStatuses, ...containerStatuses].filter(
    ({ state }) => (state.terminated?.exitCode ?? 0) !== 0,
  );
  const ownEnd = ended.find(({ state }) => state.terminated && !isInterruption(state.terminated));
  if (!ownEnd) return ended[0] ? diagnoseLostContainers(ended[0], evidence) : diagnoseUnknownEnd(evidence);
  const end = ownEnd.state.terminated;
  if (!end) return diagnoseUnknownEnd(evidence);
  const words = lastWords(end);
  return createDiagnosis({
    state: 'failed',
    reason:
      end.reason === 'OOMKilled'
        ? 'out-of-memory'
        : initContainerStatuses.includes(ownEnd)
          ? 'init-failed'
          : 'pod-failed',
    message: `The pod failed: the container ${ownEnd.name} ${describeExit(end)}.${words === '' ? '' : ` Its last words: "${words}".`}`,
    nextStep: newPodStarts,
    actor: actorFor(ownEnd.name),
    evidence: [evidenceOfExit(ownEnd.name, end), ...evidence],
  });
}

/** Every container that failed was lost by its node, for example by a restart. */
function diagnoseLostContainers({ name, state }: ContainerStatus, evidence: Diagnosis['evidence']): Diagnosis {
  return createDiagnosis({
    state: 'lost',
    reason: 'interrupted',
    message: 'The pod ended because its node (machine) or the runtime there restarted and lost its containers.',
    nextStep: newPodStarts,
    evidence: [...(state.terminated ? [evidenceOfExit(name, state.terminated)] : []), ...evidence],
  });
}

function diagnoseUnknownEnd(evidence: Diagnosis['evidence']): Diagnosis {
  return createDiagnosis({
    state: 'failed',
    reason: 'pod-failed',
    message: 'The pod failed, and Kubernetes does not say why.',
    nextStep: newPodStarts,
    evidence,
  });
}
