/**
 * The claim of the project: why there is no volume. It is explained from its own state and events first, and from the
 * scheduler's message only where the claim itself says nothing. Sources: pkg/controller/volume/persistentvolume/pv_controller.go
 * (events of claims), pkg/scheduler/framework/plugins/volumebinding/volume_binding.go (what the scheduler says about claims).
 */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { provisioningFailure } from './claim-provisioning.ts';
import { deadlineAfter, deadlines, isOverdue } from './deadlines.ts';
import { diagnoseDeletingClaim } from './deleted-claims.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOf, evidenceOfEvent } from './evidence.ts';
import type { PodSnapshot } from './pod-snapshot.ts';
import { oldestFirst } from './snapshot-events.ts';

export type ClaimInput = Pick<PodSnapshot, 'pod' | 'claim' | 'events' | 'now'> & {
  /** What the scheduler says about the pod; empty when it says nothing. */
  schedulerMessage: string;
};

/** Why the claim keeps the pod from getting a node, or `null` when the claim is not the cause. */
export function diagnoseClaim(input: ClaimInput): Diagnosis | null {
  const { claim, schedulerMessage } = input;
  if (claim?.metadata.deletionTimestamp) return diagnoseDeletingClaim(claim, input.now, schedulerEvidence(input));
  // A claim that exists and is not being deleted is a newer one than that of the scheduler's words.
  if (!claim && /persistentvolumeclaim "[^"]*" is being deleted/i.test(schedulerMessage)) return deletingClaim(input);
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

/**
 * Whether the scheduler speaks of a claim that is gone, while a new one of the same name exists. It tries again when it notices the new
 * one (`volumebinding`: the event PersistentVolumeClaim/Add).
 */
export function isAboutEarlierClaim(schedulerMessage: string, claim: PodSnapshot['claim']): boolean {
  const name = /persistentvolumeclaim "([^"]*)" (?:is being deleted|not found)/i.exec(schedulerMessage)?.[1];
  return claim !== null && !claim.metadata.deletionTimestamp && name === claim.metadata.name;
}

function schedulerEvidence({ schedulerMessage }: ClaimInput): Diagnosis['evidence'] {
  if (schedulerMessage === '') return [];
  return [evidenceOf({ source: 'pod', subject: 'PodScheduled', text: schedulerMessage, reason: 'Unschedulable' })];
}

/** The volume behind the claim does not exist any more: the phase Lost, or the scheduler says so. */
export function lostClaim(input: ClaimInput): Diagnosis | null {
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

/** Pods and claims have separate watches, so the claim of a new pod may be reported later than the pod. */
function isMissing({ pod, claim, schedulerMessage, now }: ClaimInput): boolean {
  if (claim) return false;
  const isNamed = pod.spec.volumes.some(({ persistentVolumeClaim }) => persistentVolumeClaim);
  const isOld = isOverdue(pod.metadata.creationTimestamp, deadlines.schedulingMs, now);
  return (isNamed && isOld) || /persistentvolumeclaim "[^"]*" not found/i.test(schedulerMessage);
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

function pendingClaim(input: ClaimInput, isUnbound: boolean): Diagnosis | null {
  const { claim, pod, now } = input;
  const events = claimEventsOf(input);
  const scheduler = schedulerEvidence(input);
  const failed = events.findLast(({ reason }) => /^(ProvisioningFailed|FailedBinding|VolumeMismatch)$/.test(reason));
  const succeeded = events.findLast(({ reason }) => reason === 'ProvisioningSucceeded');
  const isOver = succeeded && failed && events.indexOf(succeeded) > events.indexOf(failed);
  if (failed && !isOver) {
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
  const createdAt = claim?.metadata.creationTimestamp ?? pod.metadata.creationTimestamp;
  // A volume that the driver has created only has to be bound.
  const since = isOver ? succeeded.at : createdAt;
  const isLong = isOverdue(since, deadlines.volumeSilentMs, now);
  const named = driver === undefined ? '' : ` ${driver}`;
  return volumePending({
    // Nobody complains yet: neither the driver nor the scheduler.
    state: isLong || isUnbound ? 'failing' : 'starting',
    message:
      driver === undefined && !provisioning
        ? 'The project waits for its volume.'
        : `The project waits for its volume, which is to be created by the storage driver${named}.`,
    nextStep: isLong
      ? `An administrator must check ${driver === undefined ? 'the storage class and its driver' : 'whether this driver runs'}. The start then continues by itself.`
      : 'This continues by itself when the volume exists.',
    actor: isLong ? 'administrator' : 'nobody',
    since: since ?? null,
    recheckAt: deadlineAfter(since, deadlines.volumeSilentMs, now),
    evidence: [
      ...(provisioning ? [evidenceOfEvent(provisioning)] : []),
      ...scheduler,
      evidenceOf({ source: 'volume', subject: 'phase', text: claim?.status.phase }),
    ],
  });
}

function volumePending(
  input: Pick<Diagnosis, 'message' | 'nextStep'> &
    Partial<Pick<Diagnosis, 'state' | 'actor' | 'since' | 'recheckAt' | 'evidence'>>,
): Diagnosis {
  return createDiagnosis({ state: 'failing', reason: 'volume-pending', ...input });
}

/** Events of exactly this claim, oldest first. Some controllers name the claim without its uid. */
function claimEventsOf({ claim, events }: Pick<ClaimInput, 'claim' | 'events'>): KubernetesEvent[] {
  const isOfClaim = ({ kind, uid }: KubernetesEvent['involvedObject']) =>
    kind === 'PersistentVolumeClaim' && (claim === null || uid === claim.metadata.uid || uid === '');
  return oldestFirst(events.filter(({ involvedObject }) => isOfClaim(involvedObject)));
}

/**
 * Why a node cannot prepare the volume of a pod that it has, from the claim alone; `null` when the claim is not the cause. The
 * node refuses a claim that is being deleted (desired_state_of_world_populator.go), and the pod in turn holds the claim.
 */
export function diagnoseClaimOnNode(input: Omit<ClaimInput, 'schedulerMessage'>): Diagnosis | null {
  const { claim, events, pod } = input;
  const lost = lostClaim({ ...input, schedulerMessage: '' });
  const isRefused = events.some(
    ({ involvedObject, message }) => involvedObject.uid === pod.metadata.uid && /PVC is being deleted/.test(message),
  );
  if (lost || !claim?.metadata.deletionTimestamp || !isRefused) return lost;
  return {
    ...diagnoseDeletingClaim(claim, input.now),
    message:
      'The volume of the project is being deleted, so its node (machine) does not start the project. The waiting pod in turn keeps the volume.',
    nextStep: 'Stop the project and start it again. Then a new, empty volume is created.',
    actor: 'owner',
    recheckAt: null,
  };
}
