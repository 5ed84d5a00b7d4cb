/**
 * Why a node cannot prepare a pod: its volumes, then its sandbox with the network. The order is that of `SyncPod` in
 * pkg/kubelet/kubelet.go. Events outlive what they report, so each ends when a later fact contradicts it.
 */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { conditionOf, type KubernetesPod } from '../kube/kubernetes-pod.ts';
import type { Diagnosis } from './diagnosis.ts';
import { attachFailure, isSummary, mountFailure, slowOwnership } from './mount-failures.ts';
import { deviceFailure, sandboxFailure } from './sandbox-failures.ts';

export interface PreparationCase {
  pod: KubernetesPod;
  /** The newest failure. */
  event: KubernetesEvent;
  /** When failures of this reason began. Each attempt may have an event of its own. */
  since: string | null;
  now: number;
}

const failures: Record<string, (given: PreparationCase) => Diagnosis | null> = {
  FailedMount: mountFailure,
  FailedMapVolume: mountFailure,
  FailedAttachVolume: attachFailure,
  FailedCreatePodSandBox: sandboxFailure,
  FailedCreatePodContainer: sandboxFailure,
  FailedPrepareDynamicResources: deviceFailure,
  NetworkNotReady: sandboxFailure,
  VolumePermissionChangeInProgress: slowOwnership,
};

const volumeOf = ({ message }: KubernetesEvent) => /\bvolume "([^"]+)"/.exec(message)?.[1];

/**
 * Why the node cannot give the pod its volumes or its network; `null` when it can. Call it only before the first container runs.
 * @param events events of this pod, oldest first
 */
export function diagnosePreparation(
  { pod, now }: { pod: KubernetesPod; now: number },
  events: KubernetesEvent[],
): Diagnosis | null {
  if (isPrepared(pod, events)) return null;
  const relevant = events.filter((event, index) => failures[event.reason] && !isOver(event, events.slice(index + 1)));
  const newest = relevant.findLast((event) => !isSummary(event)) ?? relevant.at(-1);
  if (!newest) return null;
  const since = relevant.find(({ reason }) => reason === newest.reason)?.firstAt ?? newest.firstAt;
  return failures[newest.reason]?.({ pod, event: newest, since, now }) ?? null;
}

/**
 * Whether sandbox, network and volumes are ready: the condition says so (KEP-3085), or the node has gone on to the images. A
 * sandbox may be lost again, so a failure after those events counts.
 */
function isPrepared(pod: KubernetesPod, events: KubernetesEvent[]): boolean {
  if (conditionOf(pod, 'PodReadyToStartContainers')?.status === 'True') return true;
  const lastStep = events.findLastIndex(({ reason }) => /^(Pulling|Pulled|Created|Started)$/.test(reason));
  return lastStep >= 0 && !events.slice(lastStep + 1).some(({ reason }) => failures[reason]);
}

/** Whether a later event contradicts this one. The sandbox is made only when all volumes are mounted. */
function isOver(event: KubernetesEvent, later: KubernetesEvent[]): boolean {
  const isSameVolume = (other: KubernetesEvent) => isSummary(event) || volumeOf(other) === volumeOf(event);
  switch (event.reason) {
    case 'FailedAttachVolume':
      return later.some(
        (other) =>
          (other.reason === 'SuccessfulAttachVolume' && isSameVolume(other)) ||
          other.reason === 'FailedCreatePodSandBox' ||
          // A mount is tried only after the attachment.
          (other.reason === 'FailedMount' && !isSummary(other) && isSameVolume(other)),
      );
    case 'FailedMount':
      return later.some(
        (other) =>
          other.reason === 'FailedCreatePodSandBox' || (isSummary(event) && other.reason === 'SuccessfulAttachVolume'),
      );
    case 'NetworkNotReady':
      return later.some(({ reason }) => /^(FailedMount|FailedAttachVolume|FailedCreatePodSandBox)$/.test(reason));
    default:
      return false;
  }
}
