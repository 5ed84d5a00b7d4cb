import type { KubernetesClaim } from '../../shared/contract/kubernetes-claim.ts';
/**
 * What to do next for a project: a pure function from what is wanted (the row) and what is there (pod and claim) to one
 * small effect. It keeps no memory, so a job may run twice, late, out of order or not at all.
 */
import type { KubernetesPod } from '../../shared/contract/kubernetes-pod.ts';
import type { ProjectRecord } from '../../shared/node/db/project-record.ts';
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
  | { kind: 'later'; delayMs: number }
  /** Nothing can be done before the cluster has finished; the watch wakes us. `told`: it has all orders that the wish needs. */
  | { kind: 'wait'; told: boolean }
  /** Actual is as wanted. */
  | { kind: 'settled' };

/** The shortest life of a failed pod before it is replaced, in milliseconds. */
export const failedPodRestMs = 10_000;

/** @param now milliseconds since the epoch */
export function decide(wanted: ProjectRecord, actual: Actual, now: number): Effect {
  const { pod, claim } = actual;
  if (pod && !isOurs(wanted, pod)) return { kind: 'conflict', object: `pod ${pod.metadata.name}` };
  if (claim && !isOurs(wanted, claim)) return { kind: 'conflict', object: `volume claim ${claim.metadata.name}` };
  const leaving = pod !== null && Boolean(pod.metadata.deletionTimestamp);

  switch (wanted.desiredState) {
    case 'deleted': {
      if (pod && !leaving) return { kind: 'delete-pod', pod };
      if (claim && !claim.metadata.deletionTimestamp) return { kind: 'delete-claim', claim };
      return pod || claim ? { kind: 'wait', told: true } : { kind: 'settled' };
    }
    case 'stopped': {
      if (!pod) return { kind: 'settled' };
      return leaving ? { kind: 'wait', told: true } : { kind: 'delete-pod', pod };
    }
    case 'running': {
      if (leaving) return { kind: 'wait', told: false };
      if (pod && isOutdated(wanted, pod)) return { kind: 'delete-pod', pod };
      if (pod && isFinished(pod)) {
        const age = now - Date.parse(pod.metadata.creationTimestamp);
        return age < failedPodRestMs ? { kind: 'later', delayMs: failedPodRestMs - age } : { kind: 'delete-pod', pod };
      }
      if (pod) return { kind: 'settled' };
      if (claim?.metadata.deletionTimestamp) return { kind: 'wait', told: false };
      return claim ? { kind: 'create-pod' } : { kind: 'create-claim' };
    }
  }
}

/** Made before the last restart: it must go before its successor can come. */
export function isOutdated(wanted: ProjectRecord, pod: KubernetesPod): boolean {
  // Turned round, so that an annotation that is no number counts as old.
  return !(Number(pod.metadata.annotations[generationAnnotation] ?? 0) >= wanted.podGeneration);
}

/** Evicted, lost or completed: this pod object never runs again. */
function isFinished(pod: KubernetesPod): boolean {
  return pod.status.phase === 'Failed' || pod.status.phase === 'Succeeded';
}

export function isOurs(wanted: ProjectRecord, object: { metadata: { labels: Record<string, string> } }): boolean {
  return object.metadata.labels[projectIdLabel] === wanted.id;
}
