/**
 * The next step of a reconcile: a pure function from the desired state (the row) and the actual state (pod and claim) to
 * one effect. It keeps no memory, so a job may run twice, late, out of order or not at all.
 */

import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import type { KubernetesClaim } from '../kube/kubernetes-claim.ts';
import type { KubernetesPod } from '../kube/kubernetes-pod.ts';
import { generationAnnotation, projectIdLabel } from '../kube/manifests.ts';
import type { ObjectKind, UnreadableObject } from '../kube/unreadable-object.ts';

export interface Actual {
  pod: KubernetesPod | null;
  claim: KubernetesClaim | null;
  /** Set when pod or claim exists and cannot be read. Then nothing can be decided. */
  unreadable?: (UnreadableObject & { kind: ObjectKind }) | null;
}

export type Effect =
  | { kind: 'create-claim' }
  | { kind: 'create-pod' }
  | { kind: 'delete-pod'; pod: KubernetesPod }
  | { kind: 'delete-claim'; claim: KubernetesClaim }
  /** An object that is not ours has the name. It stays untouched. */
  | { kind: 'conflict'; object: string }
  /** A pod that failed immediately is not replaced immediately: its successor would fail in a hot loop. */
  | { kind: 'requeue'; requeueAfterMs: number }
  /**
   * The cluster has to finish something first; the watch then requests another reconcile. `acknowledged`: the cluster has
   * accepted every request that the command needs.
   */
  | { kind: 'wait'; acknowledged: boolean }
  /** The actual state is the desired state. */
  | { kind: 'settled' };

/** A failed pod is replaced when it is at least this old, in milliseconds. */
export const failedPodRestMs = 10_000;

/** @param nowMs milliseconds since the epoch */
export function decide(desired: ProjectRecord, actual: Actual, nowMs: number): Effect {
  const { pod, claim } = actual;
  if (pod && !isOurs(desired, pod)) return { kind: 'conflict', object: `pod ${pod.metadata.name}` };
  if (claim && !isOurs(desired, claim)) return { kind: 'conflict', object: `volume claim ${claim.metadata.name}` };
  const terminating = pod !== null && Boolean(pod.metadata.deletionTimestamp);

  switch (desired.desiredState) {
    case 'deleted': {
      if (pod && !terminating) return { kind: 'delete-pod', pod };
      if (claim && !claim.metadata.deletionTimestamp) return { kind: 'delete-claim', claim };
      return pod || claim ? { kind: 'wait', acknowledged: true } : { kind: 'settled' };
    }
    case 'stopped': {
      if (!pod) return { kind: 'settled' };
      return terminating ? { kind: 'wait', acknowledged: true } : { kind: 'delete-pod', pod };
    }
    case 'running': {
      if (terminating) return { kind: 'wait', acknowledged: false };
      if (pod && isOutdated(desired, pod)) return { kind: 'delete-pod', pod };
      if (pod && isFinished(pod)) {
        const ageMs = nowMs - Date.parse(pod.metadata.creationTimestamp);
        return ageMs < failedPodRestMs
          ? // A pod from the future, by a clock that is wrong, rests no longer than any other.
            { kind: 'requeue', requeueAfterMs: Math.min(failedPodRestMs, failedPodRestMs - ageMs) }
          : { kind: 'delete-pod', pod };
      }
      // A pod that waits for a claim that does not exist waits for ever: the scheduler and the node only report it.
      if (pod) return pod.status.phase === 'Pending' && !claim ? { kind: 'create-claim' } : { kind: 'settled' };
      if (claim?.metadata.deletionTimestamp) return { kind: 'wait', acknowledged: false };
      return claim ? { kind: 'create-pod' } : { kind: 'create-claim' };
    }
  }
}

/** Whether the pod was created before the last restart. It must be deleted before its successor can be created. */
export function isOutdated(desired: ProjectRecord, pod: KubernetesPod): boolean {
  // Negated, so that an annotation that is not a number counts as outdated.
  return !(Number(pod.metadata.annotations[generationAnnotation] ?? 0) >= desired.podGeneration);
}

/** Whether the pod was evicted, lost or has completed: its containers never run again. */
function isFinished(pod: KubernetesPod): boolean {
  return pod.status.phase === 'Failed' || pod.status.phase === 'Succeeded';
}

export function isOurs(desired: ProjectRecord, object: { metadata: { labels: Record<string, string> } }): boolean {
  return object.metadata.labels[projectIdLabel] === desired.id;
}
