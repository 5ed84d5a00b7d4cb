import type { ProjectCommand } from '../../src/shared/contract/commands.ts';
import { AppError } from '../../src/shared/contract/errors.ts';
/**
 * The row of one project in the small model, and everything that is written to it, each in one atomic step. `derive` and
 * `applyCommand` are the real ones; the two other writes of `status-writer.ts` are written down here again.
 */
// oxlint-disable-next-line no-restricted-imports -- the owner's wishes are a part of what is modelled, and must be the real ones
import { activityOfCommand, applyCommand } from '../../src/shared/node/apply-command.ts';
import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import type { ProjectPatch } from '../../src/shared/node/db/projects-repository.ts';
import type { Actual } from '../../src/worker/pods/reconcile/decide.ts';
import { derive } from '../../src/worker/pods/status/derive.ts';
import { recordFixture } from '../support/project-fixture.ts';
import { testNow } from './fixtures.ts';

/** What of the row decides anything. Words are left out, but for whether they are those of the last failure. */
export type Row = Pick<
  ProjectRecord,
  | 'desiredState'
  | 'status'
  | 'generation'
  | 'observedGeneration'
  | 'podGeneration'
  | 'failedGeneration'
  | 'podUid'
  | 'podError'
  | 'message'
>;

/** The guards of the product. A control takes one out and shows that the model notices. */
export interface Guards {
  podNameIsCommitted: boolean;
  deletesNameTheUid: boolean;
  acknowledgeComparesGenerations: boolean;
  failedComparesGenerations: boolean;
  claimsGoOnDeletionAlone: boolean;
  watchReconcilesArchivedRows: boolean;
  sweepFindsPendingCommands: boolean;
  rowIsReadAfterCluster: boolean;
}
export const allGuards: Guards = {
  podNameIsCommitted: true,
  deletesNameTheUid: true,
  acknowledgeComparesGenerations: true,
  failedComparesGenerations: true,
  claimsGoOnDeletionAlone: true,
  watchReconcilesArchivedRows: true,
  sweepFindsPendingCommands: true,
  rowIsReadAfterCluster: true,
};

const failureMessage = 'It failed.';
const nowIso = new Date(testNow).toISOString();
const nothing: Actual = { pod: null, claim: null };

export const firstRow: Row = rowOf(recordFixture());

export function recordFrom(row: Pick<Row, 'desiredState' | 'generation' | 'podGeneration'> & Partial<Row>) {
  return recordFixture({ ...row, podErrorCode: row.podError == null ? null : 'cluster-error' });
}

function rowOf(record: ProjectRecord): Row {
  const { desiredState, status, generation, observedGeneration, podGeneration, failedGeneration, podError } = record;
  return {
    desiredState,
    status,
    generation,
    observedGeneration,
    podGeneration,
    failedGeneration,
    podUid: record.podUid === null ? null : 'uid',
    podError: podError === null ? null : failureMessage,
    message: podError !== null && record.message === podError ? failureMessage : null,
  };
}

function write(row: Row, patch: ProjectPatch | null): Row {
  return patch === null ? row : rowOf({ ...recordFrom(row), ...patch });
}

export const commands = Object.keys(activityOfCommand) as ProjectCommand[]; // its type names every key

/** The owner asks for something. `null`: it is refused, or so already. */
export function command(row: Row, what: ProjectCommand): Row | null {
  try {
    const patch = applyCommand(what, recordFrom(row), nowIso);
    return patch && write(row, patch);
  } catch (error) {
    if (error instanceof AppError) return null;
    throw error;
  }
}

/** As `StatusWriter.recordObservation`. */
export function recordObservation(row: Row, actual: Actual): Row {
  return write(row, derive(recordFrom(row), actual, nowIso).patch);
}

/** As `StatusWriter.recordAcknowledged`. */
export function recordAcknowledged(row: Row, order: { generation: number; gone: boolean }, guards: Guards): Row {
  if (guards.acknowledgeComparesGenerations && row.generation !== order.generation) return row;
  const accepted = {
    observedGeneration: order.generation,
    podError: null,
    podErrorCode: null,
    failedGeneration: null,
  } satisfies ProjectPatch;
  // Where the watch still shows a pod it tells of its end itself.
  if (order.gone && row.podUid === null)
    return write(row, { ...accepted, ...derive({ ...recordFrom(row), ...accepted }, nothing, nowIso).patch });
  const isStale = row.podError !== null && row.message === row.podError;
  const status = ({ running: 'initializing', stopped: 'stopping', deleted: 'deleting' } as const)[row.desiredState];
  return write(row, isStale ? { ...accepted, status, message: null } : accepted);
}

/** As `StatusWriter.failed`. */
export function failed(row: Row, attempt: { generation: number; failedPermanently: boolean }, guards: Guards): Row {
  const isOfNow = row.generation === attempt.generation || !guards.failedComparesGenerations;
  if (!isOfNow || row.status === 'archived') return row;
  const { failedPermanently } = attempt;
  const failure = { podError: failureMessage, failedGeneration: failedPermanently ? attempt.generation : null };
  if (!failedPermanently && row.desiredState === 'running' && row.podUid !== null) return write(row, failure);
  return write(row, {
    ...failure,
    message: failureMessage,
    ...(failedPermanently ? { status: 'error' as const } : {}),
  });
}

/** What must hold of every step of the row. */
export function faultOfWrite(before: Row, after: Row): string | null {
  if (after.generation < before.generation) return 'a wish was lost';
  if (after.generation === before.generation && after.desiredState !== before.desiredState) return 'a wish changed';
  if (after.observedGeneration < before.observedGeneration) return 'a newer command was no longer acknowledged';
  if (before.status === 'archived' && after.status !== 'archived') return 'an archived project came back';
  if (before.desiredState === 'deleted' && after.desiredState !== 'deleted') return 'a deletion was taken back';
  if (after.status === 'archived' && after.desiredState !== 'deleted') return 'a project was archived unasked';
  if (after.failedGeneration !== null && after.failedGeneration !== after.generation) {
    return 'a failure of an earlier wish was noted on a later one';
  }
  return null;
}
