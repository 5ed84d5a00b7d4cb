/**
 * Writes what is seen or has failed to the project's row, and tells the screens. One function for each source, and all
 * of them through `changeProject`, so that versions rise in the order of the facts. What belongs to a change is written with
 * it, in the same statement: its line of the timeline, and the start that it ends.
 */

import type { DesiredState } from '../../../shared/contract/states.ts';
import type { Database } from '../../../shared/node/db/database.ts';
import { appendProjectEvent } from '../../../shared/node/db/project-events-repository.ts';
import { toProject, type ProjectRecord } from '../../../shared/node/db/project-record.ts';
import { finishedStart, type FinishedStart } from '../../../shared/node/db/project-starts-repository.ts';
import {
  changeProject,
  type ChangeKey,
  type ProjectChange,
  type ProjectPatch,
} from '../../../shared/node/db/projects-repository.ts';
import type { StatusPublisher } from '../../../shared/node/status-stream.ts';
import type { WorkerMetrics } from '../../health.ts';
import type { AfterStep } from '../../step.ts';
import type { KubernetesError } from '../kube/kubernetes-error.ts';
import type { Actual } from '../reconcile/decide.ts';
import { derive, type ObservedState } from './derive.ts';
import { failureFields, noteAttempt, withReasonSince } from './status-fields.ts';
import { correctionOf, entryForFailure, entryForObservation, type TimelineEntry } from './timeline.ts';

interface Observed {
  record: ProjectRecord;
  changed: boolean;
  /** What people saw otherwise before: nothing but words, the status, or which pod there is and in which phase. */
  correction: 'message' | 'status' | 'objects';
  /** When time alone changes what is to be said, as an ISO time. */
  recheckAt: string | null;
}

/** Which attempt it was, of how many; `counted`: of a limited number, rather than one of as many as it takes. */
interface AttemptNumber {
  number: number;
  of: number;
  counted: boolean;
}

export interface StatusWriter {
  /**
   * The watch's view, written only while its lease has this epoch. Returns `null` when there is no row or it may not write.
   * @param options.corrects no event told it: the comparison of rows and cluster found it
   * @param options.wordsOnly a pod that is another one, or in another phase, is not written
   */
  recordObservation(
    projectId: string,
    observedStateOf: (record: ProjectRecord) => ObservedState,
    fence: { lease: string; epoch: number },
    options?: { corrects: boolean; wordsOnly: boolean },
  ): Promise<Observed | null>;
  /**
   * The cluster has all orders of this generation. `settled` is what a read found to be as wanted; it is written where no
   * event of the watch follows by itself. `null`: it is on its way. Writes nothing when the owner has wished for something else meanwhile.
   */
  recordAcknowledged(record: ProjectRecord, options: { settled: Actual | null }): Promise<void>;
  /** An attempt failed. `parked`: no further one follows until somebody retries. */
  recordFailure(
    projectId: string,
    failure: { generation: number; error: KubernetesError; failedPermanently: boolean; attempt: AttemptNumber },
  ): Promise<void>;
  /** A line of the timeline for what the comparison found and has had put right. */
  recordCorrection(projectId: string, message: string): Promise<void>;
}

type Change = Pick<ProjectChange, 'patch' | 'event'>;

export function createStatusWriter(deps: {
  db: Database;
  publisher: StatusPublisher;
  metrics: Pick<WorkerMetrics, 'started'>;
  now: () => Date;
  afterStep?: AfterStep | undefined;
}): StatusWriter {
  const { db, publisher, metrics, now, afterStep } = deps;
  const nowIso = () => now().toISOString();

  async function write(
    key: ChangeKey,
    changeOf: (record: ProjectRecord) => Change | null,
  ): Promise<{ record: ProjectRecord; changed: boolean } | null> {
    const result = await changeProject(db, key, (record) => {
      const change = changeOf(record);
      return change && { ...change, start: endsStart(record, change.patch) };
    });
    if (result?.changed) {
      if (result.newStart) metrics.started(timesOf(result.newStart));
      await afterStep?.('status-written');
      // Not awaited: a Redis that hangs must not hold up the facts. The order of the calls is the order in the stream.
      void publisher.publish({ type: 'project', project: toProject(result.record) });
    }
    return result;
  }

  return {
    async recordObservation(
      id,
      observedStateOf,
      fence,
      { corrects, wordsOnly } = { corrects: false, wordsOnly: false },
    ) {
      let correction: Observed['correction'] = 'message';
      let recheckAt: string | null = null;
      const result = await write({ id, fence }, (record) => {
        const derived = derive(record, observedStateOf(record), nowIso());
        recheckAt = derived.recheckAt;
        correction = correctionOf(record, derived.patch);
        if (wordsOnly && correction === 'objects') return null;
        return { patch: derived.patch, event: bySystem(entryForObservation(record, derived.patch, { corrects })) };
      });
      return result && { ...result, correction, recheckAt };
    },

    async recordAcknowledged(acknowledged, { settled }) {
      await write({ id: acknowledged.id }, (record) => {
        if (record.generation !== acknowledged.generation) return null;
        const patch = {
          ...accepted(acknowledged),
          ...messageWhenAcknowledged({ ...record, ...accepted(acknowledged) }, record, settled, nowIso()),
        };
        return { patch, event: bySystem(entryForObservation(record, patch, { corrects: false })) };
      });
      await afterStep?.('recorded');
    },

    async recordFailure(id, { generation, error, failedPermanently, attempt }) {
      await write({ id }, (record) => {
        if (record.generation !== generation || record.status === 'archived') return null;
        const { message, reason } = error;
        const failure = {
          podError: message,
          podErrorCode: reason,
          failedGeneration: failedPermanently ? generation : null,
          progress: noteAttempt(record, attempt),
        };
        const event = bySystem(
          entryForFailure({ message, reason, attempt, counted: attempt.counted, failedPermanently }),
        );
        // While the watch sees a pod that is wanted, what it says of that pod is the better news (as in `derive`).
        if (!failedPermanently && record.desiredState === 'running' && record.podUid !== null)
          return { patch: failure, event };
        const words = withReasonSince(record, failureFields({ ...record, ...failure }, error.evidence), nowIso());
        return { patch: { ...failure, ...words, ...(failedPermanently ? { status: 'error' as const } : {}) }, event };
      });
    },

    recordCorrection: (projectId, message) =>
      appendProjectEvent(db, { projectId, kind: 'corrected', actorId: null, message, reason: null }),
  };
}

function bySystem(entry: TimelineEntry | null) {
  return entry && { ...entry, actorId: null };
}

function accepted({ generation }: ProjectRecord) {
  return { observedGeneration: generation, podError: null, podErrorCode: null, failedGeneration: null };
}

/**
 * @param next the record with the order noted
 * @param before the record as it is
 */
function messageWhenAcknowledged(
  next: ProjectRecord,
  before: ProjectRecord,
  settled: Actual | null,
  now: string,
): ProjectPatch {
  // Where the watch still shows a pod it tells of its end itself; its earlier news would undo ours otherwise. Of a
  // pod that is there already, as after a stop and a start at once, it tells nothing new.
  const isUnwatched = settled?.pod ? before.reason === 'queued' : before.podUid === null;
  if (settled && isUnwatched) return derive(next, settled, now).patch;
  // The sentence of a failure that is over must not stay; the watch says what is going on instead.
  const isStale = before.podError !== null && before.message === before.podError;
  return isStale ? withReasonSince(before, acceptedMessage(before.desiredState), now) : {};
}

/** What to say until the watch has seen what became of the order. */
function acceptedMessage(desiredState: DesiredState): ProjectPatch {
  const nothingToDo = { actor: 'nobody', retryable: false, evidence: [] } satisfies ProjectPatch;
  switch (desiredState) {
    case 'running':
      return {
        ...nothingToDo,
        status: 'initializing',
        reason: 'creating',
        message: 'The cluster has accepted the order.',
        nextStep: 'The pod is on its way; its first news comes at any moment.',
      };
    case 'stopped':
      return {
        ...nothingToDo,
        status: 'stopping',
        reason: 'stopping',
        message: 'The pod is stopping. The files stay on the volume.',
        nextStep: 'It is stopped as soon as the pod has ended.',
      };
    case 'deleted':
      return {
        ...nothingToDo,
        status: 'deleting',
        reason: 'deleting',
        message: 'The pod and its volume are being removed.',
        nextStep: 'It is gone as soon as the cluster has removed both.',
      };
  }
}

/** The start that comes to its end by this patch, if one does. */
function endsStart(record: ProjectRecord, patch: ProjectPatch): FinishedStart | null {
  const { progress } = patch;
  const isOver = record.progress?.readyAt != null && record.progress.startedAt === progress?.startedAt;
  return patch.status === 'ready' && progress && !isOver ? finishedStart(record.generation, progress) : null;
}

function timesOf({ stepsMs, startedAt, readyAt }: FinishedStart): Parameters<WorkerMetrics['started']>[0] {
  return { ...stepsMs, total: Math.max(0, Date.parse(readyAt) - Date.parse(startedAt)) };
}
