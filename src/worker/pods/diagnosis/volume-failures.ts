/** A volume that does not exist yet, or that cannot be attached or mounted. */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { timeOf } from '../kube/kubernetes-time.ts';
import { deadlineAfter, deadlines, isOverdue } from './deadlines.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOf, evidenceOfEvent } from './evidence.ts';
import type { PodSnapshot } from './pod-snapshot.ts';
import { oldestFirst } from './snapshot-events.ts';

/**
 * Why the claim keeps the pod from getting a node, or `null` when the claim is not the cause.
 * @param schedulerMessage the message of the condition PodScheduled
 */
export function diagnoseVolume(snapshot: PodSnapshot, schedulerMessage: string): Diagnosis | null {
  const isDeleting = /persistentvolumeclaim ".*" is being deleted/i.test(schedulerMessage);
  const isMissing = /persistentvolumeclaim ".*" not found/i.test(schedulerMessage);
  const evidence = [
    evidenceOf({ source: 'pod', subject: 'PodScheduled', text: schedulerMessage, reason: 'Unschedulable' }),
  ];
  if (isDeleting || isMissing) {
    return createDiagnosis({
      state: 'failing',
      reason: 'volume-deleting',
      message: isDeleting
        ? 'The volume of the project is being deleted, so nothing can use it.'
        : 'The volume of the project was deleted, or does not exist yet.',
      nextStep: 'The project starts again by itself as soon as the old volume is gone.',
      evidence,
    });
  }
  const isUnbound = /unbound|waiting for .*(bind|provision)|persistentvolumeclaims?\b.*\b(bind|bound)/i;
  const isPending = snapshot.claim?.status.phase === 'Pending' && schedulerMessage === '';
  return isUnbound.test(schedulerMessage) || isPending ? diagnosePendingClaim(snapshot, evidence) : null;
}

function diagnosePendingClaim(
  { pod, claim, events, now }: PodSnapshot,
  schedulerEvidence: Diagnosis['evidence'],
): Diagnosis {
  const isOfClaim = ({ kind, uid }: KubernetesEvent['involvedObject']) =>
    kind === 'PersistentVolumeClaim' && (claim === null || uid === claim.metadata.uid || uid === '');
  const claimEvents = oldestFirst(events.filter(({ involvedObject }) => isOfClaim(involvedObject)));
  const failed = claimEvents.findLast(({ reason }) =>
    /^(ProvisioningFailed|FailedBinding|ClaimLost|VolumeMismatch)$/.test(reason),
  );
  if (failed) {
    return volumePending({
      message: provisioningMessage(failed),
      actor: 'administrator',
      evidence: [evidenceOfEvent(failed), ...schedulerEvidence],
    });
  }
  const external = claimEvents.findLast(({ reason }) => reason === 'ExternalProvisioning');
  const since = claim?.metadata.creationTimestamp ?? pod.metadata.creationTimestamp;
  return volumePending({
    message: external
      ? 'The volume of the project is being created by a storage driver that has not answered yet.'
      : 'The volume of the project does not exist yet.',
    actor: isOverdue(since, deadlines.volumeSilentMs, now) ? 'administrator' : 'nobody',
    recheckAt: deadlineAfter(since, deadlines.volumeSilentMs, now),
    evidence: [...(external ? [evidenceOfEvent(external)] : []), ...schedulerEvidence],
  });
}

function provisioningMessage({ message }: KubernetesEvent): string {
  const storageClass = /storageclass(?:\.storage\.k8s\.io)? "([^"]+)" not found/i.exec(message)?.[1];
  if (storageClass !== undefined) {
    return `The volume of the project cannot be created: the storage class "${storageClass}" does not exist.`;
  }
  if (/no persistent volumes available|no storage class is set/i.test(message)) {
    return 'The volume of the project cannot be created: there is no storage class for it, and no free volume fits.';
  }
  return 'The volume of the project cannot be created: the storage driver refuses.';
}

function volumePending(
  input: Pick<Diagnosis, 'message' | 'actor' | 'evidence'> & { recheckAt?: string | null },
): Diagnosis {
  const nextStep =
    input.actor === 'administrator'
      ? 'An administrator must check the storage class and its driver. The start then continues by itself.'
      : 'This continues by itself when the volume exists.';
  return createDiagnosis({ state: 'failing', reason: 'volume-pending', nextStep, ...input });
}

/**
 * Why a node cannot give the pod its volumes or its network. Call it only before the first container has started.
 * @param events events of this pod, oldest first
 */
export function diagnoseMount(events: KubernetesEvent[]): Diagnosis | null {
  const relevant = events.filter(
    (event) =>
      /^(FailedMount|FailedAttachVolume|FailedMapVolume|SuccessfulAttachVolume|FailedCreatePodSandBox)$/.test(
        event.reason,
      ) && !isTransientMount(event),
  );
  // "Unable to attach or mount volumes" only summarizes other events.
  const newest =
    relevant.findLast(({ message }) => !/^unable to (attach or )?mount volumes/i.test(message)) ??
    relevant.findLast(({ reason }) => reason !== 'SuccessfulAttachVolume');
  if (!newest) return null;
  switch (newest.reason) {
    case 'SuccessfulAttachVolume':
      return null;
    case 'FailedAttachVolume':
      return diagnoseAttach(newest);
    case 'FailedCreatePodSandBox':
      return diagnoseNetwork(newest);
    default:
      return diagnoseFailedMount(newest);
  }
}

const retries = 'Kubernetes tries again by itself.';
const checkVolumeAndNode = `${retries} If this continues, an administrator must check the volume and the node.`;

function diagnoseNetwork(event: KubernetesEvent): Diagnosis {
  return createDiagnosis({
    state: 'failing',
    reason: 'network-failed',
    message: 'The node could not set up the network of the project.',
    nextStep: `${retries} If this continues, an administrator must check the network plugin of the node.`,
    since: event.firstAt,
    evidence: [evidenceOfEvent(event)],
  });
}

function diagnoseAttach(event: KubernetesEvent): Diagnosis {
  const common = { state: 'failing' as const, since: event.firstAt, evidence: [evidenceOfEvent(event)] };
  if (/multi-attach/i.test(event.message)) {
    return createDiagnosis({
      ...common,
      reason: 'multi-attach',
      message: 'The volume of the project is still attached to another node, and only one node can use it at a time.',
      nextStep:
        'This continues by itself as soon as the other node releases the volume. After the loss of a node that takes some minutes.',
    });
  }
  return createDiagnosis({
    ...common,
    reason: 'attach-failed',
    message: 'The volume of the project could not be attached to its node.',
    nextStep: checkVolumeAndNode,
  });
}

function diagnoseFailedMount(event: KubernetesEvent): Diagnosis {
  const common = {
    state: 'failing' as const,
    reason: 'mount-failed' as const,
    since: event.firstAt,
    evidence: [evidenceOfEvent(event)],
  };
  const missing = /(secret|configmap) "([^"]+)" not found/i.exec(event.message);
  if (missing) {
    const kind = missing[1]?.toLowerCase() === 'secret' ? 'Secret' : 'ConfigMap';
    return createDiagnosis({
      ...common,
      message: `A volume could not be mounted: the ${kind} ${missing[2]} was not found.`,
      nextStep: 'An administrator must provide it. The start then continues by itself.',
    });
  }
  return createDiagnosis({
    ...common,
    message: 'A volume of the project could not be mounted on its node.',
    nextStep: checkVolumeAndNode,
  });
}

/** A mount failure that many starts report in their first moments. It counts only when it keeps being reported. */
function isTransientMount({ reason, message, firstAt, at }: KubernetesEvent): boolean {
  const isUsual =
    /PVC is not bound|object ".*" not registered|failed to sync (secret|configmap) cache|not yet available/i;
  const lastedMs = (timeOf(at) ?? 0) - (timeOf(firstAt) ?? 0);
  return reason === 'FailedMount' && isUsual.test(message) && lastedMs < deadlines.mountRetriesMs;
}
