/** How single fields of the status follow from those before: since when, which attempt, and which evidence is worth a write. */

import type { Evidence, StartProgress, StartStep } from '../../../shared/contract/diagnosis.ts';
import { projectJobAttempts } from '../../../shared/contract/jobs.ts';
import { reasonFacts } from '../../../shared/contract/reasons.ts';
import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import type { ProjectPatch } from '../../../shared/node/db/projects-repository.ts';
import { clusterWideFailures } from '../jobs/cluster-wide-failures.ts';

/** An event that is told again and again is counted up in the row at most so often. */
const recountMs = 60_000;

/**
 * Adds since when the reason is this one: it stays as long as the reason does.
 * @param since when Kubernetes itself says since when
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
 * The row's last failure of an attempt in all the fields that tell of it.
 * @param evidence what the cluster said; that which is in the row unless given
 */
export function failureFields(record: ProjectRecord, evidence?: Evidence[]) {
  const reason = record.podErrorCode ?? 'cluster-error';
  const { toDo, actor } = reasonFacts[reason];
  const isFailedPermanently = record.failedGeneration === record.generation;
  const nextStep = isFailedPermanently
    ? `${toDo} Mend the cause and retry.`
    : clusterWideFailures.has(reason)
      ? 'Your project is saved; it goes on by itself as soon as the cluster takes it.'
      : `Attempt ${attemptOf(record.progress).number} of ${attemptOf(record.progress).of}; the next one follows by itself.`;
  return {
    reason,
    message: record.podError,
    nextStep,
    actor: isFailedPermanently || actor === 'administrator' ? actor : 'nobody',
    retryable: isFailedPermanently,
    evidence: evidence ?? (record.reason === reason ? record.evidence : []),
  } satisfies ProjectPatch;
}

/** The attempt that was made last, as the progress of the start remembers it. */
export function attemptOf(progress: StartProgress | null): { number: number; of: number } {
  const queued = progress?.steps.find(({ name }) => name === 'queued');
  return { number: queued?.done ?? 1, of: queued?.total ?? projectJobAttempts };
}

/** The progress with this attempt noted in its first step. Attempts without a limit are not counted. */
export function noteAttempt(
  { progress }: ProjectRecord,
  attempt: { number: number; of: number; counted: boolean },
): StartProgress | null {
  if (!progress || !attempt.counted) return progress;
  const note = (step: StartStep): StartStep =>
    step.name === 'queued' ? { ...step, done: Math.min(attempt.number, attempt.of), total: attempt.of } : step;
  return { ...progress, steps: progress.steps.map(note) };
}

/**
 * The evidence to show: what is there, but for numbers and times that have changed a moment ago. An event that is repeated every
 * ten seconds must not write the row every ten seconds.
 */
export function steadyEvidence(record: ProjectRecord, evidence: Evidence[], now: string): Evidence[] {
  const isRecent = Date.parse(now) - Date.parse(record.updatedAt) < recountMs;
  const isSame =
    record.evidence.length === evidence.length &&
    evidence.every((piece, index) => saysSame(piece, record.evidence[index]));
  return isRecent && isSame ? record.evidence : evidence;
}

function saysSame(a: Evidence, b: Evidence | undefined): boolean {
  return (['source', 'subject', 'reason', 'text'] as const).every((key) => a[key] === b?.[key]);
}
