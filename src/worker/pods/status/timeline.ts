/** Which entry a change adds to the timeline of its project: pure functions, so that every case can be tested. */

import type { ActivityKind } from '../../../shared/contract/activity.ts';
import { isFailure, type ReasonCode } from '../../../shared/contract/reasons.ts';
import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import type { ProjectPatch } from '../../../shared/node/db/projects-repository.ts';
import type { AttemptFailure } from './attempt-patches.ts';

export interface TimelineEntry {
  kind: ActivityKind;
  message: string;
  reason: ReasonCode | null;
}

/** The most important difference between a row and a patch: pod or phase, status, or only the message. */
export type Difference = 'message' | 'status' | 'objects';

/** The entry for an observation, or `null`. A new state and a new failure have an entry; the steps of a start do not. */
export function entryForObservation(before: ProjectRecord, patch: ProjectPatch): TimelineEntry | null {
  const { status = before.status, reason = before.reason } = patch;
  const isOtherStatus = status !== before.status;
  const isOtherFailure = reason !== before.reason && reason !== null && isFailure(reason);
  if (!isOtherStatus && !isOtherFailure) return null;
  const kind = status === 'archived' && isOtherStatus ? 'archived' : 'status-changed';
  return { kind, message: messageOf(before, patch), reason };
}

/** The entry for an observation of which no event was received: the resync found the difference. */
export function entryForDrift(before: ProjectRecord, patch: ProjectPatch): TimelineEntry | null {
  const isArchived = patch.status === 'archived' && before.status !== 'archived';
  if (isArchived || differenceOf(before, patch) === 'message') return entryForObservation(before, patch);
  return {
    kind: 'corrected',
    reason: patch.reason ?? before.reason,
    message: `A comparison with the cluster corrected the status: ${messageOf(before, patch)}`,
  };
}

function messageOf(before: ProjectRecord, { message, status = before.status }: ProjectPatch): string {
  return message ?? `The project is ${status}.`;
}

export function differenceOf(before: ProjectRecord, patch: ProjectPatch): Difference {
  const differs = (key: 'status' | 'phase' | 'podUid') => patch[key] !== undefined && patch[key] !== before[key];
  if (differs('phase') || differs('podUid')) return 'objects';
  return differs('status') ? 'status' : 'message';
}

/** The entry for a failed attempt. It says which attempt it was when the number of attempts is limited. */
export function entryForFailure({
  error,
  attempt,
  failedPermanently,
}: Omit<AttemptFailure, 'generation'>): TimelineEntry {
  const start = attempt ? `Attempt ${attempt.number} of ${attempt.of} failed: ` : '';
  const end = failedPermanently ? ' No further attempt follows until somebody retries.' : '';
  return { kind: 'job-failed', reason: error.reason, message: `${start}${error.message}${end}` };
}
