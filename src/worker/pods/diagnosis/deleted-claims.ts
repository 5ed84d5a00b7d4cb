/**
 * A claim whose deletion was requested, or whose volume is lost: what that means for the project, what holds the claim, and who
 * must act. A claim stays as long as a pod on a node uses it (pkg/controller/volume/pvcprotection).
 */

import type { KubernetesClaim } from '../kube/kubernetes-claim.ts';
import { deadlineAfter, deadlines, isOverdue } from './deadlines.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOf } from './evidence.ts';

/** Kept by the claim as long as a pod uses it. Kubernetes removes it. */
const protection = 'kubernetes.io/pvc-protection';

/** A claim whose deletion was requested: since when, what holds it, and who must act. */
export function diagnoseDeletingClaim(
  { metadata }: KubernetesClaim,
  now: number,
  evidence: Diagnosis['evidence'] = [],
): Diagnosis {
  const { deletionTimestamp, finalizers } = metadata;
  const foreign = finalizers.filter((finalizer) => finalizer !== protection);
  const isOver = isOverdue(deletionTimestamp, deadlines.terminationMs, now);
  const holder = foreign[0];
  const isHeld = isOver && finalizers.length > 0;
  return createDiagnosis({
    state: 'failing',
    reason: 'volume-deleting',
    message: `The volume of the project is being deleted, so nothing can use it.${
      holder !== undefined
        ? ` The finalizer "${holder}" still holds it.`
        : isHeld
          ? ' It stays until no pod uses it any more.'
          : ''
    }`,
    nextStep: isHeld
      ? `An administrator must ${holder === undefined ? 'find the pod that uses it' : 'check the program that set this finalizer'}. Then a new, empty volume is created by itself.`
      : 'A new, empty volume is created by itself as soon as the old one is gone.',
    actor: isHeld ? 'administrator' : 'nobody',
    since: deletionTimestamp ?? null,
    recheckAt: finalizers.length > 0 ? deadlineAfter(deletionTimestamp, deadlines.terminationMs, now) : null,
    evidence: [
      evidenceOf({
        source: 'volume',
        subject: 'deletionTimestamp',
        text: `deletion requested at ${deletionTimestamp}, finalizers: ${finalizers.join(', ') || 'none'}`,
      }),
      ...evidence,
    ],
  });
}

/** A claim that a project that is being deleted still has: what holds it, since when, and who must act. `null`: nothing. */
export function diagnoseHeldClaim({ metadata }: KubernetesClaim, now: number): Diagnosis | null {
  const { deletionTimestamp, finalizers } = metadata;
  if (!deletionTimestamp || finalizers.length === 0) return null;
  const holder = finalizers.find((finalizer) => finalizer !== protection);
  const isOver = isOverdue(deletionTimestamp, deadlines.terminationMs, now);
  return createDiagnosis({
    state: 'stopping',
    reason: isOver ? 'stuck-on-finalizer' : 'stopping',
    message:
      holder === undefined
        ? 'The volume of the project is not deleted yet, because a pod still uses it.'
        : `The volume of the project is not deleted yet: the finalizer "${holder}" still holds it.`,
    nextStep: `An administrator must ${holder === undefined ? 'find the pod that uses it' : 'find the program that set this finalizer'}. This continues by itself as soon as the volume is gone.`,
    since: deletionTimestamp,
    recheckAt: deadlineAfter(deletionTimestamp, deadlines.terminationMs, now),
    evidence: [evidenceOf({ source: 'volume', subject: 'finalizers', text: finalizers.join(', ') })],
  });
}

/** What the owner of a running project must know about its claim: the files are about to be lost, or may be lost already. */
export function claimWarning({
  metadata,
  spec,
  status,
}: KubernetesClaim): Pick<Diagnosis, 'reason' | 'message' | 'nextStep' | 'actor' | 'evidence'> | null {
  const { deletionTimestamp } = metadata;
  if (deletionTimestamp) {
    return {
      reason: 'volume-deleting',
      message:
        'But its volume is marked for deletion: the files in the workspace are deleted as soon as the project stops.',
      nextStep: 'Save your files elsewhere before you stop or restart the project. An administrator can say why.',
      actor: 'owner',
      evidence: [
        evidenceOf({
          source: 'volume',
          subject: 'deletionTimestamp',
          text: `deletion requested at ${deletionTimestamp}`,
        }),
      ],
    };
  }
  if (status.phase !== 'Lost') return null;
  return {
    reason: 'volume-lost',
    message: 'But its volume is lost: it no longer exists in the cluster, and the files in the workspace may be lost.',
    nextStep: 'Save your files elsewhere. An administrator must restore the volume.',
    actor: 'administrator',
    evidence: [
      evidenceOf({
        source: 'volume',
        subject: 'status',
        text: `The phase of the claim is Lost (volume ${spec.volumeName ?? '?'}).`,
      }),
    ],
  };
}
