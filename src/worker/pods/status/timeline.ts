/** Which line a change of the status is worth in the timeline of its project: a pure function, so that every case can be tested. */

import type { ActivityKind } from '../../../shared/contract/activity.ts';
import { isFailure, type ReasonCode } from '../../../shared/contract/reasons.ts';
import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import type { ProjectPatch } from '../../../shared/node/db/projects-repository.ts';

export interface TimelineEntry {
  kind: ActivityKind;
  message: string;
  reason: ReasonCode | null;
}

/**
 * The line for what has been seen, or `null`: the steps of a start are no news, another state is, and so is another
 * trouble within the same state.
 * @param options.corrects no event told it, the comparison found it
 */
export function entryForObservation(
  before: ProjectRecord,
  patch: ProjectPatch,
  options: { corrects: boolean },
): TimelineEntry | null {
  const { status = before.status, reason = before.reason, message } = patch;
  const isOther = status !== before.status;
  const isOtherFailure = reason !== before.reason && reason !== null && isFailure(reason);
  const entry = { message: message ?? `The project is ${status}.`, reason };
  if (status === 'archived' && isOther) return { kind: 'archived', ...entry };
  if (options.corrects && correctionOf(before, patch) !== 'message') {
    return {
      kind: 'corrected',
      reason,
      message: `A comparison with the cluster has put the status right: ${entry.message}`,
    };
  }
  return isOther || isOtherFailure ? { kind: 'status-changed', ...entry } : null;
}

/** What people saw otherwise before; the words of a reason may change with time alone. */
export function correctionOf(before: ProjectRecord, patch: ProjectPatch): 'message' | 'status' | 'objects' {
  const differs = (key: 'status' | 'phase' | 'podUid') => patch[key] !== undefined && patch[key] !== before[key];
  if (differs('phase') || differs('podUid')) return 'objects';
  return differs('status') ? 'status' : 'message';
}

/** The line for a failed attempt. `counted`: it is one of a limited number, so the line says which. */
export function entryForFailure(failure: {
  message: string;
  reason: ReasonCode;
  attempt: { number: number; of: number };
  counted: boolean;
  failedPermanently: boolean;
}): TimelineEntry {
  const { number, of } = failure.attempt;
  const which = failure.counted ? `Attempt ${number} of ${of} failed: ` : '';
  const end = failure.failedPermanently ? ' No further one follows until somebody retries.' : '';
  return { kind: 'job-failed', reason: failure.reason, message: `${which}${failure.message}${end}` };
}
