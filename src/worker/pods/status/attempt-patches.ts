/** What the end of an attempt writes to the row: pure functions from the record to the patch. */

import { statusMessages } from '../../../shared/contract/status-messages.ts';
import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import type { ProjectPatch } from '../../../shared/node/db/projects-repository.ts';
import type { KubernetesError } from '../kube/kubernetes-error.ts';
import type { Actual } from '../reconcile/decide.ts';
import { derive } from './derive.ts';
import { failureFields, withAttempt, withReasonSince, type AttemptNumber } from './status-fields.ts';

export interface AttemptFailure {
  /** The generation that the attempt was made for. */
  generation: number;
  error: Pick<KubernetesError, 'message' | 'reason' | 'nextStep' | 'actor' | 'evidence'>;
  /** No further attempt follows until the owner retries. */
  failedPermanently: boolean;
  /** `null`: the number of attempts has no limit. */
  attempt: AttemptNumber | null;
}

/**
 * The cluster has accepted every request of this generation, and the watch will report the result. `null`: a newer command
 * came meanwhile, so nothing is written.
 * @param at.now an ISO time
 */
export function recordAcknowledged(
  record: ProjectRecord,
  { generation, now }: { generation: number; now: string },
): ProjectPatch | null {
  if (record.generation !== generation) return null;
  return { ...acknowledgedFields(generation), ...withoutFailureMessage(record, now) };
}

/**
 * As {@link recordAcknowledged}, after a read of the cluster that found the desired state. It is shown immediately when no
 * event of the watch will report it.
 * @param at.now an ISO time
 */
export function recordSettled(
  record: ProjectRecord,
  { generation, actual, now }: { generation: number; actual: Actual; now: string },
): ProjectPatch | null {
  if (record.generation !== generation) return null;
  const fields = acknowledgedFields(generation);
  if (isReportedByWatch(record, actual)) return { ...fields, ...withoutFailureMessage(record, now) };
  return { ...fields, ...derive({ ...record, ...fields }, actual, now).patch };
}

/** An attempt failed. `null`: a newer command came meanwhile, or the project is archived. */
export function recordFailure(
  record: ProjectRecord,
  { generation, error, failedPermanently, attempt }: AttemptFailure,
  now: string,
): ProjectPatch | null {
  if (record.generation !== generation || record.status === 'archived') return null;
  const failure = {
    podError: error.message,
    podErrorCode: error.reason,
    podErrorAdvice: { message: error.message, nextStep: error.nextStep, actor: error.actor },
    failedGeneration: failedPermanently ? generation : null,
    progress: attempt ? withAttempt(record.progress, attempt) : record.progress,
  };
  // While the watch reports a pod that should run, the state of that pod is more useful (as in `derive`).
  const isPodShown = record.podUid !== null && record.reason !== 'volume-missing';
  if (!failedPermanently && record.desiredState === 'running' && isPodShown) return failure;
  const shown = withReasonSince(record, failureFields({ ...record, ...failure }, error.evidence), now);
  return { ...failure, ...shown, ...(failedPermanently ? { status: 'error' as const } : {}) };
}

function acknowledgedFields(generation: number) {
  return { observedGeneration: generation, podError: null, podErrorCode: null, failedGeneration: null };
}

/**
 * While the row still shows a pod, the watch reports the end of that pod, and an earlier event would undo what we write.
 * When the pod already exists, as after a stop and a start in quick succession, the watch has nothing new to report.
 */
function isReportedByWatch(record: ProjectRecord, actual: Actual): boolean {
  return actual.pod ? record.reason !== 'queued' : record.podUid !== null;
}

/** Replaces the message of a failure that is over. The watch then reports the actual state. */
function withoutFailureMessage(record: ProjectRecord, now: string): ProjectPatch {
  const showsFailure = record.podError !== null && record.message === record.podError;
  return showsFailure ? withReasonSince(record, acceptedFields(record), now) : {};
}

/** What to show until the watch reports the result of the command. */
function acceptedFields({ desiredState, trashedAt }: ProjectRecord): ProjectPatch {
  const nothingToDo = { actor: 'nobody', retryable: false, evidence: [] } satisfies ProjectPatch;
  switch (desiredState) {
    case 'running':
      return { ...nothingToDo, status: 'initializing', reason: 'creating', ...statusMessages.creating };
    case 'stopped':
      return {
        ...nothingToDo,
        status: 'stopping',
        reason: 'stopping',
        ...(trashedAt === null ? statusMessages.stopping : statusMessages.trashing),
      };
    case 'deleted':
      return { ...nothingToDo, status: 'deleting', reason: 'deleting', ...statusMessages.deleting };
  }
}
