/**
 * The claim of the project: why there is no volume. It is explained from its own state and events first, and from the
 * scheduler's message only where the claim itself says nothing. Sources: pkg/controller/volume/persistentvolume/pv_controller.go
 * (events of claims), pkg/scheduler/framework/plugins/volumebinding/volume_binding.go (what the scheduler says about claims)
 * and pkg/controller/volume/pvcprotection (what keeps a claim that is being deleted).
 */

import type { KubernetesClaim } from '../kube/kubernetes-claim.ts';
import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { provisioningFailure } from './claim-provisioning.ts';
import { deadlineAfter, deadlines, isOverdue } from './deadlines.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOf, evidenceOfEvent } from './evidence.ts';
import type { PodSnapshot } from './pod-snapshot.ts';
import { oldestFirst } from './snapshot-events.ts';

type ClaimInput = Pick<PodSnapshot, 'pod' | 'claim' | 'events' | 'now'> & {
  /** What the scheduler says about the pod; empty when it says nothing. */
  schedulerMessage: string;
};

/** Kept by the claim as long as a pod uses it. Kubernetes removes it. */
const protection = 'kubernetes.io/pvc-protection';

/** Why the claim keeps the pod from getting a node, or `null` when the claim is not the cause. */
export function diagnoseClaim(input: ClaimInput): Diagnosis | null {
  const { claim, schedulerMessage } = input;
  if (claim?.metadata.deletionTimestamp) return diagnoseDeletingClaim(claim, input.now, schedulerEvidence(input));
  if (/persistentvolumeclaim "[^"]*" is being deleted/i.test(schedulerMessage)) return deletingClaim(input);
  const lost = lostClaim(input);
  if (lost) return lost;
  if (isMissing(input)) return missingClaim(input);
  const isUnbound = isAboutBinding(schedulerMessage);
  return claim?.status.phase === 'Pending' || isUnbound ? pendingClaim(input, isUnbound) : null;
}

/** Whether the scheduler waits for the claim, or gave up waiting for it. */
export function isAboutBinding(schedulerMessage: string): boolean {
  return /unbound immediate PersistentVolumeClaims|plugin "VolumeBinding"/i.test(schedulerMessage);
}

function schedulerEvidence({ schedulerMessage }: ClaimInput): Diagnosis['evidence'] {
  if (schedulerMessage === '') return [];
  return [evidenceOf({ source: 'pod', subject: 'PodScheduled', text: schedulerMessage, reason: 'Unschedulable' })];
}

/** The volume behind the claim does not exist any more: the phase Lost, or the scheduler says so. */
function lostClaim(input: ClaimInput): Diagnosis | null {
  const { claim, schedulerMessage } = input;
  const lostEvent = claimEventsOf(input).findLast(({ reason }) => reason === 'ClaimLost' || reason === 'ClaimMisbound');
  const isLost = claim?.status.phase === 'Lost';
  const isGone = /bound to non-existent (persistentvolume|pv)/i.test(schedulerMessage);
  if (!isLost && !isGone) return null;
  const volume = claim?.spec.volumeName;
  return createDiagnosis({
    state: 'failing',
    reason: 'volume-lost',
    message:
      'The volume of the project is lost: what its claim refers to no longer exists in the cluster. The files in the workspace may be lost.',
    nextStep: 'An administrator must restore the volume, or delete the claim. Then a new, empty volume is created.',
    since: lostEvent?.firstAt ?? null,
    evidence: [
      ...(isLost
        ? [
            evidenceOf({
              source: 'volume',
              subject: 'status',
              text: `The phase of the claim is Lost (volume ${volume ?? '?'}).`,
            }),
          ]
        : []),
      ...(lostEvent ? [evidenceOfEvent(lostEvent)] : []),
      ...schedulerEvidence(input),
    ],
  });
}

function isMissing({ pod, claim, schedulerMessage }: ClaimInput): boolean {
  if (claim) return false;
  const isNamed = pod.spec.volumes.some(({ persistentVolumeClaim }) => persistentVolumeClaim);
  return isNamed || /persistentvolumeclaim "[^"]*" not found/i.test(schedulerMessage);
}

function missingClaim(input: ClaimInput): Diagnosis {
  return createDiagnosis({
    state: 'failing',
    reason: 'volume-missing',
    message: 'The volume of the project does not exist: it was deleted, or it has not been created yet.',
    nextStep: 'A new, empty volume is created by itself, and the start continues.',
    evidence: schedulerEvidence(input),
  });
}

/** The scheduler knows that the claim is being deleted before we do. */
function deletingClaim(input: ClaimInput): Diagnosis {
  return createDiagnosis({
    state: 'failing',
    reason: 'volume-deleting',
    message: 'The volume of the project is being deleted, so nothing can use it.',
    nextStep: 'A new, empty volume is created by itself as soon as the old one is gone.',
    evidence: schedulerEvidence(input),
  });
}

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

function pendingClaim(input: ClaimInput, isUnbound: boolean): Diagnosis | null {
  const { claim, pod, now } = input;
  const events = claimEventsOf(input);
  const scheduler = schedulerEvidence(input);
  const failed = events.findLast(({ reason }) => /^(ProvisioningFailed|FailedBinding|VolumeMismatch)$/.test(reason));
  const succeeded = events.findLast(({ reason }) => reason === 'ProvisioningSucceeded');
  if (failed && !(succeeded && events.indexOf(succeeded) > events.indexOf(failed))) {
    return volumePending({
      ...provisioningFailure(failed),
      since: failed.firstAt,
      evidence: [evidenceOfEvent(failed), ...scheduler],
    });
  }
  // The scheduler has not noticed yet that the claim is bound.
  if (claim?.status.phase === 'Bound') return null;
  const provisioning = events.findLast(({ reason }) => /^(ExternalProvisioning|Provisioning)$/.test(reason));
  const annotations = claim?.metadata.annotations ?? {};
  // With late binding the claim waits until the scheduler has chosen a node. Then the scheduler says what is wrong.
  const isLate = events.some(({ reason }) => /^WaitFor(FirstConsumer|PodScheduled)$/.test(reason));
  const isChosen = annotations['volume.kubernetes.io/selected-node'] !== undefined;
  if (isLate && !isChosen && !provisioning && !isUnbound) return null;
  const driver =
    /provisioner ['"]([^'"]+)['"]/.exec(provisioning?.message ?? '')?.[1] ??
    annotations['volume.kubernetes.io/storage-provisioner'] ??
    annotations['volume.beta.kubernetes.io/storage-provisioner'];
  const since = claim?.metadata.creationTimestamp ?? pod.metadata.creationTimestamp;
  const isOver = isOverdue(since, deadlines.volumeSilentMs, now);
  const named = driver === undefined ? '' : ` ${driver}`;
  return volumePending({
    message:
      driver === undefined && !provisioning
        ? 'The volume of the project does not exist yet.'
        : `The volume of the project is being created by the storage driver${named}, which has not answered yet.`,
    nextStep: isOver
      ? `An administrator must check ${driver === undefined ? 'the storage class and its driver' : 'whether this driver runs'}. The start then continues by itself.`
      : 'This continues by itself when the volume exists.',
    actor: isOver ? 'administrator' : 'nobody',
    since: since ?? null,
    recheckAt: deadlineAfter(since, deadlines.volumeSilentMs, now),
    evidence: [...(provisioning ? [evidenceOfEvent(provisioning)] : []), ...scheduler],
  });
}

function volumePending(
  input: Pick<Diagnosis, 'message' | 'nextStep'> &
    Partial<Pick<Diagnosis, 'actor' | 'since' | 'recheckAt' | 'evidence'>>,
): Diagnosis {
  return createDiagnosis({ state: 'failing', reason: 'volume-pending', ...input });
}

/** Events of exactly this claim, oldest first. Some controllers name the claim without its uid. */
function claimEventsOf({ claim, events }: Pick<ClaimInput, 'claim' | 'events'>): KubernetesEvent[] {
  const isOfClaim = ({ kind, uid }: KubernetesEvent['involvedObject']) =>
    kind === 'PersistentVolumeClaim' && (claim === null || uid === claim.metadata.uid || uid === '');
  return oldestFirst(events.filter(({ involvedObject }) => isOfClaim(involvedObject)));
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
