/** A pod in the phase Failed or Succeeded: it never runs again. */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import type { KubernetesPod } from '../kube/kubernetes-pod.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOf, evidenceOfEvent } from './evidence.ts';
import { describeExit, evidenceOfExit } from './exit-codes.ts';
import type { PodSnapshot } from './pod-snapshot.ts';

const newPodStarts = 'A new pod starts by itself.';

/** @param events events of this pod, oldest first */
export function diagnoseEnded({ pod }: PodSnapshot, events: KubernetesEvent[]): Diagnosis {
  const { reason = '', message } = pod.status;
  const warning = events.findLast((event) => event.isWarning);
  const evidence = [
    evidenceOf({ source: 'pod', subject: 'status', text: message ?? reason, reason: reason || null }),
    ...(warning ? [evidenceOfEvent(warning)] : []),
  ];
  if (pod.status.phase === 'Succeeded') {
    return createDiagnosis({
      state: 'failed',
      reason: 'completed',
      message: 'All containers have completed and do not run again.',
      nextStep: `They are meant to keep running. ${newPodStarts}`,
      evidence,
    });
  }
  return diagnosePodReason(reason, message ?? '', evidence) ?? diagnoseFailedContainer(pod, evidence);
}

/** By the reason that Kubernetes gives for the end of the pod as a whole; `null` when a container is the cause. */
function diagnosePodReason(reason: string, message: string, evidence: Diagnosis['evidence']): Diagnosis | null {
  switch (reason) {
    case 'Evicted':
      return createDiagnosis({
        state: 'failed',
        reason: 'evicted',
        message: `The pod was evicted from its node (machine) because ${evictionCause(message)}.`,
        nextStep: `${newPodStarts} The files in the workspace are kept.`,
        evidence,
      });
    case 'Preempting':
    case 'Preempted':
      return createDiagnosis({
        state: 'failed',
        reason: 'preempted',
        message: 'The pod made room for a pod of higher priority.',
        nextStep: newPodStarts,
        evidence,
      });
    case 'DeadlineExceeded':
      return createDiagnosis({
        state: 'failed',
        reason: 'deadline-exceeded',
        message: 'The pod ran longer than its time limit allows and was ended.',
        nextStep: `${newPodStarts} If the limit is too short, an administrator must raise it.`,
        evidence,
      });
    case 'NodeLost':
      return createDiagnosis({
        state: 'lost',
        reason: 'node-lost',
        message: 'The node (machine) that ran the pod was lost.',
        nextStep: newPodStarts,
        evidence,
      });
    case 'NodeAffinity':
    case 'OutOfcpu':
    case 'OutOfmemory':
    case 'OutOfpods':
    case 'OutOfephemeral-storage':
    case 'UnexpectedAdmissionError':
    case 'NodeShutdown':
    case 'Terminated':
    case 'Shutdown':
      return createDiagnosis({
        state: 'failed',
        reason: 'node-refused',
        message: `The node (machine) ${nodeRefusal(reason)}.`,
        nextStep: `${newPodStarts} If it happens again, an administrator must check the node.`,
        evidence,
      });
    default:
      return null;
  }
}

function evictionCause(message: string): string {
  if (/ephemeral|disk/i.test(message)) {
    return 'it used more disk storage outside its volume than allowed, or the disk of the node was full';
  }
  if (/memory/i.test(message)) return 'the node was short of memory';
  if (/pid|process/i.test(message)) return 'the node ran too many processes';
  return 'the node was short of resources';
}

function nodeRefusal(reason: string): string {
  switch (reason) {
    case 'NodeAffinity':
      return 'refused the pod: it does not have the labels that the pod requires';
    case 'OutOfcpu':
      return 'refused the pod: it does not have enough free CPU';
    case 'OutOfmemory':
      return 'refused the pod: it does not have enough free memory';
    case 'OutOfpods':
      return 'refused the pod: it already runs the maximum number of pods';
    case 'NodeShutdown':
    case 'Terminated':
    case 'Shutdown':
      return 'was shut down, and the pod with it';
    default:
      return 'refused the pod';
  }
}

function diagnoseFailedContainer(pod: KubernetesPod, evidence: Diagnosis['evidence']): Diagnosis {
  const { initContainerStatuses, containerStatuses } = pod.status;
  const failed = [...initContainerStatuses, ...containerStatuses].find(
    ({ state }) => (state.terminated?.exitCode ?? 0) !== 0,
  );
  const end = failed?.state.terminated;
  if (!failed || !end) {
    const message = 'The pod failed.';
    return createDiagnosis({ state: 'failed', reason: 'pod-failed', message, nextStep: newPodStarts, evidence });
  }
  const isInit = initContainerStatuses.includes(failed);
  return createDiagnosis({
    state: 'failed',
    reason: end.reason === 'OOMKilled' ? 'out-of-memory' : isInit ? 'init-failed' : 'pod-failed',
    message: `The pod failed: the container ${failed.name} ${describeExit(end)}.`,
    nextStep: newPodStarts,
    evidence: [evidenceOfExit(failed.name, end), ...evidence],
  });
}
