/**
 * What to do next for a project: a pure function from what is wanted (the row) and what is there (pod and claim) to one
 * small effect. It keeps no memory, so a job may run twice, late, out of order or not at all.
 */

import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import type { KubernetesClaim } from '../kube/kubernetes-claim.ts';
import type { KubernetesPod } from '../kube/kubernetes-pod.ts';
import { generationAnnotation, projectIdLabel } from '../kube/manifests.ts';

export interface Actual {
  pod: KubernetesPod | null;
  claim: KubernetesClaim | null;
}

export type Effect =
  | { kind: 'create-claim' }
  | { kind: 'create-pod' }
  | { kind: 'delete-pod'; pod: KubernetesPod }
  | { kind: 'delete-claim'; claim: KubernetesClaim }
  /** Somebody else's object bears the name; it stays untouched. */
  | { kind: 'conflict'; object: string }
  /** A pod that failed at once is not replaced at once: it would fail again in a hot loop. */
  | { kind: 'requeue'; requeueAfterMs: number }
  /** Nothing can be done before the cluster has finished; the watch wakes us. `told`: it has all orders that the wish needs. */
  | { kind: 'wait'; acknowledged: boolean }
  /** Actual is as wanted. */
  | { kind: 'settled' };

/** The shortest life of a failed pod before it is replaced, in milliseconds. */
export const failedPodRestMs = 10_000;

/** @param now milliseconds since the epoch */
export function decide(desired: ProjectRecord, actual: Actual, now: number): Effect {
  const { pod, claim } = actual;
  if (pod && !isOurs(desired, pod)) return { kind: 'conflict', object: `pod ${pod.metadata.name}` };
  if (claim && !isOurs(desired, claim)) return { kind: 'conflict', object: `volume claim ${claim.metadata.name}` };
  const leaving = pod !== null && Boolean(pod.metadata.deletionTimestamp);

  switch (desired.desiredState) {
    case 'deleted': {
      if (pod && !leaving) return { kind: 'delete-pod', pod };
      if (claim && !claim.metadata.deletionTimestamp) return { kind: 'delete-claim', claim };
      return pod || claim ? { kind: 'wait', acknowledged: true } : { kind: 'settled' };
    }
    case 'stopped': {
      if (!pod) return { kind: 'settled' };
      return leaving ? { kind: 'wait', acknowledged: true } : { kind: 'delete-pod', pod };
    }
    case 'running': {
      if (leaving) return { kind: 'wait', acknowledged: false };
      if (pod && isOutdated(desired, pod)) return { kind: 'delete-pod', pod };
      if (pod && isFinished(pod)) {
        const age = now - Date.parse(pod.metadata.creationTimestamp);
        return age < failedPodRestMs
          ? { kind: 'requeue', requeueAfterMs: failedPodRestMs - age }
          : { kind: 'delete-pod', pod };
      }
      if (pod) return { kind: 'settled' };
      if (claim?.metadata.deletionTimestamp) return { kind: 'wait', acknowledged: false };
      return claim ? { kind: 'create-pod' } : { kind: 'create-claim' };
    }
  }
}

/** Made before the last restart: it must go before its successor can come. */
export function isOutdated(desired: ProjectRecord, pod: KubernetesPod): boolean {
  // Turned round, so that an annotation that is no number counts as old.
  return !(Number(pod.metadata.annotations[generationAnnotation] ?? 0) >= desired.podGeneration);
}

/** Evicted, lost or completed: this pod object never runs again. */
function isFinished(pod: KubernetesPod): boolean {
  return pod.status.phase === 'Failed' || pod.status.phase === 'Succeeded';
}

export function isOurs(desired: ProjectRecord, object: { metadata: { labels: Record<string, string> } }): boolean {
  return object.metadata.labels[projectIdLabel] === desired.id;
}
