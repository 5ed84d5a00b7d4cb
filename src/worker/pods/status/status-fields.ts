/** How single fields of the status follow from their previous values: reason since, attempts and evidence. */

import type { Evidence, StartProgress, StartStep } from '../../../shared/contract/diagnosis.ts';
import { projectJobAttempts } from '../../../shared/contract/jobs.ts';
import { reasonFacts, type ReasonCode } from '../../../shared/contract/reasons.ts';
import { hasFailedPermanently, type ProjectRecord } from '../../../shared/node/db/project-record.ts';
import type { ProjectPatch } from '../../../shared/node/db/projects-repository.ts';
import { clusterWideFailures } from '../cluster-wide-failures.ts';
import { reasonGuide } from '../diagnosis/reason-guide.ts';

/** The row takes new counts and times of a repeated event at most this often. */
const recountMs = 60_000;

/** One of a limited number of attempts, counted from 1. */
export interface AttemptNumber {
  number: number;
  of: number;
}

/**
 * Adds `reasonSince`, which stays the same for as long as the reason does.
 * @param since the time that Kubernetes itself gives for the reason
 */
export function withReasonSince(
  record: ProjectRecord,
  patch: ProjectPatch,
  now: string,
  since: string | null = null,
): ProjectPatch {
  const isSame = patch.reason === record.reason && record.reasonSince !== null;
  return { ...patch, reasonSince: isSame ? record.reasonSince : new Date(since ?? now).toISOString() };
}

/**
 * The fields that show the last failure of an attempt.
 * @param evidence the cluster's answer; the evidence of the row unless given
 */
export function failureFields(record: ProjectRecord, evidence?: Evidence[]) {
  const reason = record.podErrorCode ?? 'cluster-error';
  const isPermanent = hasFailedPermanently(record);
  const { nextStep, actor } = adviceOf(record, reason);
  return {
    reason,
    message: record.podError,
    nextStep: nextStepAfterFailure(record, reason, nextStep),
    actor: isPermanent || actor === 'administrator' ? actor : 'nobody',
    retryable: isPermanent,
    evidence: evidence ?? (record.reason === reason ? record.evidence : []),
  } satisfies ProjectPatch;
}

/** The advice of the diagnosis. Rows of older workers have only the reason. */
function adviceOf({ podError, podErrorAdvice }: ProjectRecord, reason: ReasonCode) {
  if (podErrorAdvice !== null && podErrorAdvice.message === podError) return podErrorAdvice;
  return { nextStep: reasonGuide[reason].toDo, actor: reasonFacts[reason].actor };
}

/** @param advice the next step that the diagnosis gives */
function nextStepAfterFailure(record: ProjectRecord, reason: ReasonCode, advice: string): string {
  if (hasFailedPermanently(record)) {
    // After the last attempt, nothing is tried again by itself.
    const ended = advice.replace(/ ?The worker tries again by itself\./, '').trim();
    const toDo = ended.replace(/^If this continues, a/, 'A') || reasonGuide[reason].toDo;
    return /\bretry\.$/.test(toDo) ? toDo : `${toDo} Fix the cause and retry.`;
  }
  if (clusterWideFailures.has(reason)) return `Your project is saved. ${advice}`;
  const { number, of } = lastAttempt(record.progress);
  return `${advice} Attempt ${number} of ${of}.`;
}

/** The last attempt, as the progress of the start recorded it. */
export function lastAttempt(progress: StartProgress | null): AttemptNumber {
  const queued = progress?.steps.find(({ name }) => name === 'queued');
  return { number: queued?.done ?? 1, of: queued?.total ?? projectJobAttempts };
}

/** The progress with this attempt recorded in its first step. */
export function withAttempt(progress: StartProgress | null, attempt: AttemptNumber): StartProgress | null {
  if (!progress) return null;
  const record = (step: StartStep): StartStep =>
    step.name === 'queued' ? { ...step, done: Math.min(attempt.number, attempt.of), total: attempt.of } : step;
  return { ...progress, steps: progress.steps.map(record) };
}

/**
 * The evidence to show. For a minute it keeps the evidence of the row when only counts and times differ. An event that is
 * repeated every ten seconds must not write the row every ten seconds.
 */
export function steadyEvidence(record: ProjectRecord, evidence: Evidence[], now: string): Evidence[] {
  const isRecent = Date.parse(now) - Date.parse(record.updatedAt) < recountMs;
  const isSame =
    record.evidence.length === evidence.length &&
    evidence.every((piece, index) => hasSameText(piece, record.evidence[index]));
  return isRecent && isSame ? record.evidence : evidence;
}

function hasSameText(a: Evidence, b: Evidence | undefined): boolean {
  return (['source', 'subject', 'reason', 'text'] as const).every((key) => a[key] === b?.[key]);
}
