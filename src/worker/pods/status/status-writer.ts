/**
 * Writes observations and the results of attempts to the project's row, and publishes each change to the servers. Every
 * write goes through `changeProject`, so that versions rise in the order of the changes. The timeline entry of a change,
 * and the start that it completes, are written in the same statement.
 */

import type { Clock } from '../../../shared/clock.ts';
import type { Database } from '../../../shared/node/db/database.ts';
import { appendProjectEvent } from '../../../shared/node/db/project-events-repository.ts';
import { hasFailedPermanently, toPublished, type ProjectRecord } from '../../../shared/node/db/project-record.ts';
import { finishedStart, type FinishedStart } from '../../../shared/node/db/project-starts-repository.ts';
import {
  changeProject,
  type ChangeKey,
  type ProjectChange,
  type ProjectPatch,
} from '../../../shared/node/db/projects-repository.ts';
import type { StatusPublisher } from '../../../shared/node/status-stream.ts';
import type { WorkerMetrics } from '../../metrics.ts';
import type { Actual } from '../reconcile/decide.ts';
import { recordAcknowledged, recordFailure, recordSettled, type AttemptFailure } from './attempt-patches.ts';
import { derive, type ObservedState } from './derive.ts';
import { withReasonSince } from './status-fields.ts';
import {
  differenceOf,
  entryForDrift,
  entryForFailure,
  entryForObservation,
  type Difference,
  type TimelineEntry,
} from './timeline.ts';

export interface ObservationResult {
  record: ProjectRecord;
  changed: boolean;
  /** What the row showed differently before. */
  difference: Difference;
  /** The ISO time at which the status must be derived again, because time alone changes it. */
  recheckAt: string | null;
}

/** An observation is written only while this lease has this epoch. */
type Fence = NonNullable<ChangeKey['fence']>;
/** Derives the observed state of the row that is about to be changed. */
type Observe = (record: ProjectRecord) => ObservedState;

/** A project, and the number of the attempt that writes. */
type AttemptKey = Pick<ProjectRecord, 'id' | 'attempt'>;

export interface StatusWriter {
  /** Writes what the watch reports. Returns `null` when there is no row, or when the fence does not hold any more. */
  recordObservation(projectId: string, observe: Observe, fence: Fence): Promise<ObservationResult | null>;
  /** As {@link recordObservation}, for a difference that the resync found and no event reported. */
  recordDrift(projectId: string, observe: Observe, fence: Fence): Promise<ObservationResult | null>;
  /**
   * As {@link recordObservation}, after Kubernetes events about the project's objects. Events explain a pod but do not
   * prove that it exists: nothing is written when pod or phase differ from the row.
   */
  recordEvents(projectId: string, observe: Observe, fence: Fence): Promise<ObservationResult | null>;
  /** The observation of this project cannot be written, whatever its pod does. Says so, unless a failure is shown already. */
  recordProblem(projectId: string, fence: Fence): Promise<void>;
  /**
   * The cluster has accepted every request of this generation. Writes nothing when a newer command came meanwhile, or when a
   * newer attempt than that of `record` has begun: this holds for all that attempts write.
   */
  recordAcknowledged(record: ProjectRecord): Promise<void>;
  /** As {@link recordAcknowledged}, after a read of the cluster that found the desired state. */
  recordSettled(record: ProjectRecord, actual: Actual): Promise<void>;
  recordFailure(record: AttemptKey, failure: AttemptFailure): Promise<void>;
  /** Adds a timeline entry for objects that the resync found missing or left over, and that are being repaired. */
  recordCorrection(projectId: string, message: string): Promise<void>;
}

const problem = {
  status: 'error',
  reason: 'internal-error',
  message: 'The state of the pod cannot be shown, because of an error in the project manager itself.',
  nextStep: 'An administrator can find the cause in the log of the worker.',
  actor: 'administrator',
  retryable: false,
} as const;

type Change = Pick<ProjectChange, 'patch' | 'event'>;

export function createStatusWriter(deps: {
  db: Database;
  publisher: StatusPublisher;
  metrics: Pick<WorkerMetrics, 'started'>;
  clock: Clock;
}): StatusWriter {
  const { db, publisher, metrics, clock } = deps;
  const nowIso = () => new Date(clock.now()).toISOString();

  async function write(
    key: ChangeKey,
    changeOf: (record: ProjectRecord) => Change | null,
  ): Promise<{ record: ProjectRecord; changed: boolean } | null> {
    const result = await changeProject(db, key, (record) => {
      const change = changeOf(record);
      return change && { ...change, start: completedStart(record, change.patch) };
    });
    if (result?.changed) {
      if (result.newStart) metrics.started(durationsOf(result.newStart));
      // Not awaited: a Redis that hangs must not delay the rows. The order of the calls is the order in the stream.
      void publisher.publish({ type: 'project', project: toPublished(result.record) });
    }
    return result;
  }

  async function writeObservation(
    { id, fence }: { id: string; fence: Fence },
    observe: Observe,
    changeOf: (record: ProjectRecord, patch: ProjectPatch, difference: Difference) => Change | null,
  ): Promise<ObservationResult | null> {
    let difference: Difference = 'message';
    let recheckAt: string | null = null;
    const result = await write({ id, fence }, (record) => {
      const derived = derive(record, observe(record), nowIso());
      recheckAt = derived.recheckAt;
      difference = differenceOf(record, derived.patch);
      return changeOf(record, derived.patch, difference);
    });
    return result && { ...result, difference, recheckAt };
  }

  return {
    recordObservation: (id, observe, fence) => writeObservation({ id, fence }, observe, observationChange),

    recordDrift: (id, observe, fence) =>
      writeObservation({ id, fence }, observe, (record, patch) => ({
        patch,
        event: bySystem(entryForDrift(record, patch)),
      })),

    recordEvents: (id, observe, fence) =>
      writeObservation({ id, fence }, observe, (record, patch, difference) =>
        difference === 'objects' ? null : observationChange(record, patch),
      ),

    async recordProblem(id, fence) {
      await write({ id, fence }, (record) => {
        if (record.status === 'archived' || hasFailedPermanently(record)) return null;
        return observationChange(record, withReasonSince(record, { ...problem, evidence: [] }, nowIso()));
      });
    },

    async recordAcknowledged({ id, attempt, generation }) {
      await write({ id, attempt }, (record) => {
        const patch = recordAcknowledged(record, { generation, now: nowIso() });
        return patch && observationChange(record, patch);
      });
    },

    async recordSettled({ id, attempt, generation }, actual) {
      await write({ id, attempt }, (record) => {
        const patch = recordSettled(record, { generation, actual, now: nowIso() });
        return patch && observationChange(record, patch);
      });
    },

    async recordFailure({ id, attempt }, failure) {
      await write({ id, attempt }, (record) => {
        const patch = recordFailure(record, failure, nowIso());
        return patch && { patch, event: bySystem(entryForFailure(failure)) };
      });
    },

    recordCorrection: (projectId, message) =>
      appendProjectEvent(db, { projectId, kind: 'corrected', actorId: null, message, reason: null }),
  };
}

function observationChange(record: ProjectRecord, patch: ProjectPatch): Change {
  return { patch, event: bySystem(entryForObservation(record, patch)) };
}

function bySystem(entry: TimelineEntry | null) {
  return entry && { ...entry, actorId: null };
}

/** The start that this patch completes, or `null`. */
function completedStart(record: ProjectRecord, patch: ProjectPatch): FinishedStart | null {
  const { progress } = patch;
  const wasComplete = record.progress?.readyAt != null && record.progress.startedAt === progress?.startedAt;
  return patch.status === 'ready' && progress && !wasComplete ? finishedStart(record.generation, progress) : null;
}

/** How long each step took, and the whole start, in milliseconds. */
function durationsOf({ stepsMs, startedAt, readyAt }: FinishedStart): Parameters<WorkerMetrics['started']>[0] {
  return { ...stepsMs, total: Math.max(0, Date.parse(readyAt) - Date.parse(startedAt)) };
}
