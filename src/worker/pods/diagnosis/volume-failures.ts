/** A volume that is not there, cannot be attached or cannot be mounted. */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { timeOf } from '../kube/kubernetes-time.ts';
import {
  deadlineAfter,
  deadlines,
  eventPiece,
  diagnosis,
  inOrder,
  isOverdue,
  lastEvent,
  piece,
  type Diagnosis,
  type PodSnapshot,
} from './pod-snapshot.ts';

/** Why the claim keeps the pod from a node, or `null` when it is not the claim. */
export function diagnoseVolume({ pod, claim, events, now }: PodSnapshot, message: string): Diagnosis | null {
  const evidence = [piece('pod', 'PodScheduled', message, { reason: 'Unschedulable' })];
  const isLeaving = /persistentvolumeclaim ".*" is being deleted/i.test(message);
  const isMissing = /persistentvolumeclaim ".*" not found/i.test(message);
  const isPending = /unbound|waiting for .*(bind|provision)|persistentvolumeclaims?\b.*\b(bind|bound)/i.test(message);
  if (isLeaving || isMissing) {
    return diagnosis(
      'failing',
      'volume-deleting',
      {
        message: isLeaving
          ? 'The volume of the project is being deleted, so nothing can use it.'
          : 'The volume of the project was deleted or is not there yet.',
        nextStep: 'A new start follows by itself as soon as the old volume is gone.',
      },
      { evidence },
    );
  }
  if (!isPending && !(claim?.status.phase === 'Pending' && message === '')) return null;

  const told = inOrder(events.filter(({ of }) => of.kind === 'PersistentVolumeClaim' && isOfClaim(of, claim)));
  const failed = lastEvent(told, ({ reason }) =>
    /^(ProvisioningFailed|FailedBinding|ClaimLost|VolumeMismatch)$/.test(reason),
  );
  const external = lastEvent(told, ({ reason }) => reason === 'ExternalProvisioning');
  if (failed)
    return volumePending(failedMessage(failed), {
      evidence: [eventPiece(failed), ...evidence],
      actor: 'administrator',
    });
  const since = claim?.metadata.creationTimestamp ?? pod.metadata.creationTimestamp;
  const overdue = isOverdue(since, deadlines.volumeSilentMs, now);
  return volumePending(
    external
      ? 'The volume of the project is being made by a storage driver that has not answered yet.'
      : 'The volume of the project is not there yet.',
    {
      evidence: [...(external ? [eventPiece(external)] : []), ...evidence],
      actor: overdue ? 'administrator' : 'nobody',
      recheckAt: deadlineAfter(since, deadlines.volumeSilentMs, now),
    },
  );
}

function isOfClaim(of: KubernetesEvent['of'], claim: PodSnapshot['claim']): boolean {
  return claim === null || of.uid === claim.metadata.uid || of.uid === '';
}

function failedMessage({ message }: KubernetesEvent): string {
  const storageClass = /storageclass(?:\.storage\.k8s\.io)? "([^"]+)" not found/i.exec(message)?.[1];
  if (storageClass !== undefined) {
    return `The volume of the project cannot be made: the storage class "${storageClass}" does not exist.`;
  }
  if (/no persistent volumes available|no storage class is set/i.test(message)) {
    return 'The volume of the project cannot be made: no storage class makes volumes, and no free one fits.';
  }
  return 'The volume of the project cannot be made: the storage driver refuses.';
}

function volumePending(
  message: string,
  rest: Pick<Diagnosis, 'evidence' | 'actor'> & { recheckAt?: string | null },
): Diagnosis {
  const nextStep =
    rest.actor === 'administrator'
      ? 'An administrator must look at the storage class and its driver; it goes on by itself then.'
      : 'It goes on by itself when the volume is there.';
  return diagnosis('failing', 'volume-pending', { message, nextStep }, rest);
}

/** Why a node cannot give its volumes or its network to the pod, while no container of it has begun. */
export function diagnoseMount(events: KubernetesEvent[]): Diagnosis | null {
  const relevant = events.filter(({ reason }) =>
    /^(FailedMount|FailedAttachVolume|FailedMapVolume|SuccessfulAttachVolume|FailedCreatePodSandBox)$/.test(reason),
  );
  // "Unable to attach or mount" is the sum of the others.
  const last =
    lastEvent(relevant, (event) => !isSummary(event.message) && !isPassing(event)) ??
    lastEvent(relevant, (event) => event.reason !== 'SuccessfulAttachVolume' && !isPassing(event));
  if (!last || last.reason === 'SuccessfulAttachVolume') return null;
  const rest = { since: last.firstAt, evidence: [eventPiece(last)] };
  if (last.reason === 'FailedAttachVolume') {
    return /multi-attach/i.test(last.message)
      ? diagnosis(
          'failing',
          'multi-attach',
          {
            message: 'The volume of the project is still attached to another node, and can be used by one alone.',
            nextStep:
              'It goes on by itself as soon as the other node lets go of it; after the loss of a node that takes some minutes.',
          },
          rest,
        )
      : diagnosis(
          'failing',
          'attach-failed',
          {
            message: 'The volume of the project could not be attached to its node.',
            nextStep:
              'It is tried again by itself. If it stays so, an administrator must look at the volume and the node.',
          },
          rest,
        );
  }
  if (last.reason === 'FailedCreatePodSandBox') {
    return diagnosis(
      'failing',
      'network-failed',
      {
        message: 'The node could not give the project a network.',
        nextStep:
          'It is tried again by itself. If it stays so, an administrator must look at the network plugin of the node.',
      },
      rest,
    );
  }
  const missing = /(secret|configmap) "([^"]+)" not found/i.exec(last.message);
  return diagnosis(
    'failing',
    'mount-failed',
    {
      message: missing
        ? `A volume could not be mounted: the ${missing[1]?.toLowerCase() === 'secret' ? 'Secret' : 'ConfigMap'} ${missing[2]} was not found.`
        : 'A volume of the project could not be mounted on its node.',
      nextStep: missing
        ? 'An administrator must provide it; it goes on by itself then.'
        : 'It is tried again by itself. If it stays so, an administrator must look at the volume and the node.',
    },
    rest,
  );
}

const isSummary = (message: string) => /^unable to (attach or )?mount volumes/i.test(message);

/** What a node says in the first moments of many a start, unless it goes on saying it. */
function isPassing({ reason, message, firstAt, at }: KubernetesEvent): boolean {
  const isUsual =
    /PVC is not bound|object ".*" not registered|failed to sync (secret|configmap) cache|not yet available/i;
  const lastedMs = (timeOf(at) ?? 0) - (timeOf(firstAt) ?? 0);
  return reason === 'FailedMount' && isUsual.test(message) && lastedMs < deadlines.mountPassesMs;
}
