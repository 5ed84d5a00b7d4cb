/** The status of a project: a pure function from the row and the cluster to the fields that people see. */

import { isObserved } from '../../../shared/contract/commands.ts';
import type { StartProgress } from '../../../shared/contract/diagnosis.ts';
import { idleStopMessage } from '../../../shared/contract/idle-stop.ts';
import type { ReasonCode } from '../../../shared/contract/reasons.ts';
import { statusMessages } from '../../../shared/contract/status-messages.ts';
import { hasFailedPermanently, type ProjectRecord } from '../../../shared/node/db/project-record.ts';
import type { ProjectPatch } from '../../../shared/node/db/projects-repository.ts';
import { diagnoseDeletingClaim, diagnoseHeldClaim } from '../diagnosis/deleted-claims.ts';
import { diagnosePod } from '../diagnosis/diagnose-pod.ts';
import type { Diagnosis } from '../diagnosis/diagnosis.ts';
import { diagnoseGone } from '../diagnosis/gone-pods.ts';
import { startProgress } from '../diagnosis/start-progress.ts';
import { summarizeContainers } from '../diagnosis/summarize-containers.ts';
import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { accessKeyAnnotation, sizeAnnotationName } from '../kube/manifests.ts';
import { textsOfUnreadable } from '../kube/unreadable-object.ts';
import { isOurs, isOutdated, type Actual } from '../reconcile/decide.ts';
import { failureFields, lastAttempt, steadyEvidence, withReasonSince } from './status-fields.ts';

/** What the watch knows about a project. A read of the cluster comes without events. */
export interface ObservedState extends Actual {
  /** The events about the pod and the claim. */
  events?: KubernetesEvent[];
}

export interface Derived {
  patch: ProjectPatch;
  /** The ISO time at which the status must be derived again, because time alone changes it. */
  recheckAt: string | null;
}

type StatusFields = ProjectPatch & { since?: string | null; recheckAt?: string | null };
type OurObjects = Required<Omit<ObservedState, 'unreadable'>>;

/** @param now an ISO time */
export function derive(record: ProjectRecord, observed: ObservedState, now: string): Derived {
  if (record.status === 'archived') return { patch: {}, recheckAt: null };
  if (observed.unreadable) return { patch: patchWhenUnreadable(record, observed.unreadable, now), recheckAt: null };
  // A foreign object under our name is not part of the project.
  const pod = observed.pod && isOurs(record, observed.pod) ? observed.pod : null;
  const claim = observed.claim && isOurs(record, observed.claim) ? observed.claim : null;
  const objects = { pod, claim, events: observed.events ?? [] };
  const facts = {
    phase: pod?.status.phase ?? null,
    containers: pod ? summarizeContainers(pod) : [],
    podUid: pod?.metadata.uid ?? null,
    podCreatedAt: pod ? new Date(pod.metadata.creationTimestamp).toISOString() : null,
    podIp: pod?.status.podIP ?? null,
    accessKeyId: pod?.metadata.annotations[accessKeyAnnotation] ?? null,
  } satisfies ProjectPatch;
  const { since, recheckAt = null, ...fields } = statusFields(record, objects, now);
  const patch = {
    ...facts,
    podSize: pod ? (pod.metadata.annotations[sizeAnnotationName] ?? null) : podSizeWithoutPod(record, fields.status),
    ...fields,
    progress: deriveProgress(record, objects, fields.reason ?? null, now),
    ...(fields.evidence ? { evidence: steadyEvidence(record, fields.evidence, now) } : {}),
  };
  return { patch: withReasonSince(record, patch, now, since), recheckAt };
}

/** An attempt may create a pod at this moment, so the size stays until the project has stopped. */
function podSizeWithoutPod({ podSize }: ProjectRecord, status: ProjectPatch['status']): string | null {
  return status === 'stopped' ? null : podSize;
}

/** What the row knows about the pod stays: nothing newer is known. */
function patchWhenUnreadable(
  record: ProjectRecord,
  { kind, ...object }: NonNullable<Actual['unreadable']>,
  now: string,
): ProjectPatch {
  const shown =
    record.podError === null ? { ...textsOfUnreadable(kind, object), retryable: false } : failureFields(record);
  return withReasonSince(record, { status: 'error', ...shown }, now);
}

function statusFields(record: ProjectRecord, objects: OurObjects, now: string): StatusFields {
  switch (record.desiredState) {
    case 'deleted':
      return fieldsWhenDeleted(record, objects, now);
    case 'stopped':
      return fieldsWhenStopped(record, objects, now);
    case 'running':
      return fieldsWhenRunning(record, objects, now);
  }
}

function fieldsWhenDeleted(record: ProjectRecord, objects: OurObjects, now: string): StatusFields {
  if (!objects.pod && !objects.claim && isObserved(record)) {
    return {
      status: 'archived',
      deletedAt: now,
      // An archived row never changes again. Nobody can retry it, so it must not keep a failure.
      failedGeneration: null,
      podError: null,
      podErrorCode: null,
      ...whenOrdinary('archived'),
    };
  }
  if (hasFailedPermanently(record)) return { status: 'error', ...failureFields(record) };
  if (record.podError !== null) return { status: 'deleting', ...failureFields(record) };
  const { pod, claim } = objects;
  const held = pod ? diagnoseTerminating(objects, now) : claim && diagnoseHeldClaim(claim, Date.parse(now));
  return { status: 'deleting', ...whenOrdinary('deleting'), ...stuckFields(held) };
}

function fieldsWhenStopped(record: ProjectRecord, objects: OurObjects, now: string): StatusFields {
  if (!objects.pod && isObserved(record)) return { status: 'stopped', ...stoppedFields(record) };
  if (hasFailedPermanently(record)) return { status: 'error', ...failureFields(record) };
  if (record.podError !== null) return { status: 'stopping', ...failureFields(record) };
  const texts = record.trashedAt === null ? statusMessages.stopping : statusMessages.trashing;
  return { status: 'stopping', ...ordinary('stopping', texts), ...stuckFields(diagnoseTerminating(objects, now)) };
}

/** People who did not stop it themselves learn why it is stopped. */
function stoppedFields({ idleStoppedAfterMinutes: minutes, trashedAt }: ProjectRecord): StatusFields {
  if (trashedAt !== null) return whenOrdinary('trashed');
  const { message, nextStep } = statusMessages.stopped;
  return ordinary('stopped', {
    message: minutes === null ? message : `${idleStopMessage(minutes)} The files stay on the volume.`,
    nextStep,
  });
}

function fieldsWhenRunning(record: ProjectRecord, objects: OurObjects, now: string): StatusFields {
  const pod = currentPod(record, objects);
  const diagnosis = pod && diagnosePod({ ...objects, pod, now: Date.parse(now) });
  if (diagnosis?.state === 'ready') return { status: 'ready', ...fieldsOf(diagnosis) };
  if (hasFailedPermanently(record)) return { status: 'error', ...failureFields(record) };
  // A pod that waits for its claim is not what is wrong when the claim cannot be created.
  if (diagnosis?.reason === 'volume-missing' && record.podError !== null) {
    return { status: 'initializing', ...failureFields(record) };
  }
  // The pod counts more than the failure of an attempt: the attempt may have created this pod and lost the answer.
  if (diagnosis) return { status: statusOf(diagnosis), ...fieldsOf(diagnosis) };
  if (record.podError !== null) return { status: 'initializing', ...failureFields(record) };
  if (objects.pod) {
    const terminating = diagnoseTerminating(objects, now);
    const isOrdinary = terminating === null || terminating.reason === 'stopping';
    return {
      status: 'initializing',
      ...ordinary('stopping', statusMessages.replacing),
      ...(isOrdinary ? { recheckAt: terminating?.recheckAt ?? null } : fieldsOf(terminating)),
    };
  }
  // No new pod can use the old claim, and the new claim needs its name.
  if (objects.claim?.metadata.deletionTimestamp) {
    const deleting = diagnoseDeletingClaim(objects.claim, Date.parse(now));
    return { status: statusOf(deleting), ...fieldsOf(deleting) };
  }
  return {
    status: 'initializing',
    ...(isObserved(record) ? fieldsOf(diagnoseGone(objects.events)) : whenOrdinary('queued')),
  };
}

/** The pod, unless it is terminating or was created before the last restart. */
function currentPod(record: ProjectRecord, { pod }: OurObjects) {
  return pod && !pod.metadata.deletionTimestamp && !isOutdated(record, pod) ? pod : null;
}

function diagnoseTerminating(objects: OurObjects, now: string): Diagnosis | null {
  const { pod } = objects;
  return pod?.metadata.deletionTimestamp ? diagnosePod({ ...objects, pod, now: Date.parse(now) }) : null;
}

/** A failure that ends without anybody's help is shown as a start that continues: `decide` replaces a pod that failed. */
function statusOf({ state, actor }: Diagnosis): 'initializing' | 'error' {
  const continues =
    state === 'starting' || state === 'lost' || state === 'failed' || (state === 'failing' && actor === 'nobody');
  return continues ? 'initializing' : 'error';
}

function fieldsOf({ reason, message, nextStep, actor, evidence, since, recheckAt, state }: Diagnosis): StatusFields {
  // The cluster tries again by itself, but a person who has fixed the cause need not wait for that.
  const retryable = state === 'failing' && actor !== 'nobody';
  return { reason, message, nextStep, actor, retryable, evidence, since, recheckAt };
}

/** The fields of a state in which nothing has failed, with the message of the same name. */
function whenOrdinary(reason: ReasonCode & keyof typeof statusMessages): StatusFields {
  return ordinary(reason, statusMessages[reason]);
}

function ordinary(reason: ReasonCode, { message, nextStep }: { message: string; nextStep: string }): StatusFields {
  return { reason, message, nextStep, actor: 'nobody', retryable: false, evidence: [] };
}

/** No new pod follows when the project stops. */
const nodeLostNextStep = 'An administrator must check the node. This continues by itself as soon as the pod is gone.';

/** Of a pod that terminates as requested, people only need to know what prevents its end. */
function stuckFields(terminating: Diagnosis | null): StatusFields {
  if (!terminating) return {};
  const isStuck = terminating.reason === 'stuck-terminating' || terminating.reason === 'stuck-on-finalizer';
  if (terminating.reason === 'node-lost') return { ...fieldsOf(terminating), nextStep: nodeLostNextStep };
  return isStuck ? fieldsOf(terminating) : { recheckAt: terminating.recheckAt };
}

/** The progress of the start. A pod that is lost after it was ready begins a new start. */
function deriveProgress(
  record: ProjectRecord,
  objects: OurObjects,
  reason: ReasonCode | null,
  now: string,
): StartProgress | null {
  if (record.desiredState !== 'running') return null;
  const { claim, events } = objects;
  const pod = currentPod(record, objects);
  const { progress: previous } = record;
  const isLost = previous?.readyAt != null && (!pod || pod.metadata.uid !== record.podUid);
  // Rows from before progress was recorded do not know when the command came. Their pod is as old as their start.
  const createdAt = pod ? new Date(pod.metadata.creationTimestamp).toISOString() : record.createdAt;
  const startedAt = isLost ? now : (previous?.startedAt ?? createdAt);
  return startProgress({ startedAt, attempt: lastAttempt(previous), pod, claim, events, reason, previous, now });
}
