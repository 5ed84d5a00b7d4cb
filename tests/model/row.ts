/**
 * The row of one project in the small model, and everything that is written to it, each in one atomic step. What is written
 * is decided by the functions of the product; the model only keeps the fields that decide anything.
 */

import type { ProjectCommand } from '../../src/shared/contract/commands.ts';
import { AppError } from '../../src/shared/contract/errors.ts';
// oxlint-disable-next-line no-restricted-imports -- commands are a part of what is modelled, and must be the real ones
import { activityOfCommand, applyCommand } from '../../src/shared/node/apply-command.ts';
import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import type { ProjectPatch } from '../../src/shared/node/db/projects-repository.ts';
import type { Actual } from '../../src/worker/pods/reconcile/decide.ts';
import {
  recordAcknowledged,
  recordFailure,
  recordSettled,
  type AttemptFailure,
} from '../../src/worker/pods/status/attempt-patches.ts';
import { derive } from '../../src/worker/pods/status/derive.ts';
import { recordFixture } from '../support/project-fixture.ts';
import { testNow } from './fixtures.ts';

/** The fields that decide anything. Of the message only counts whether it is the message of the last failure. */
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

/** The guards of the product. A control removes one of them and shows that the model notices. */
export interface Guards {
  podNameIsCommitted: boolean;
  deletesNameTheUid: boolean;
  acknowledgeComparesGenerations: boolean;
  failureComparesGenerations: boolean;
  claimsGoOnDeletionAlone: boolean;
  watchReconcilesArchivedRows: boolean;
  sweepFindsPendingCommands: boolean;
  rowIsReadAfterCluster: boolean;
}
export const allGuards: Guards = {
  podNameIsCommitted: true,
  deletesNameTheUid: true,
  acknowledgeComparesGenerations: true,
  failureComparesGenerations: true,
  claimsGoOnDeletionAlone: true,
  watchReconcilesArchivedRows: true,
  sweepFindsPendingCommands: true,
  rowIsReadAfterCluster: true,
};

const error: AttemptFailure['error'] = {
  message: 'It failed.',
  reason: 'cluster-error',
  nextStep: 'Check it.',
  actor: 'administrator',
  evidence: [],
};
const now = new Date(testNow).toISOString();
const nothing: Actual = { pod: null, claim: null };

export const firstRow: Row = rowOf(recordFixture());

export function recordFrom(row: Pick<Row, 'desiredState' | 'generation' | 'podGeneration'> & Partial<Row>) {
  return recordFixture({ ...row, podErrorCode: row.podError == null ? null : error.reason });
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
    podError: podError === null ? null : error.message,
    message: podError !== null && record.message === podError ? error.message : null,
  };
}

function write(row: Row, patch: ProjectPatch | null): Row {
  return patch === null ? row : rowOf({ ...recordFrom(row), ...patch });
}

/** To the cluster, moving to the trash is a stop, and a restore is nothing. `trash.test.ts` is their model. */
export const commands = (Object.keys(activityOfCommand) as ProjectCommand[]) // its type names every key
  .filter((each) => each !== 'trash' && each !== 'restore');

/** The owner gives a command. `null`: it is refused, or has no effect. */
export function command(row: Row, what: ProjectCommand): Row | null {
  try {
    const patch = applyCommand(what, recordFrom(row), now);
    return patch && write(row, patch);
  } catch (refusal) {
    if (refusal instanceof AppError) return null;
    throw refusal;
  }
}

export function observe(row: Row, actual: Actual): Row {
  return write(row, derive(recordFrom(row), actual, now).patch);
}

/**
 * An attempt acknowledges a generation. `gone`: its read found no object left. A read that found a pod also writes the status
 * of that pod. In the model that is a step of its own, because the watch may write any view at any moment.
 */
export function acknowledge(
  row: Row,
  { generation, gone }: { generation: number; gone: boolean },
  guards: Guards,
): Row {
  const record = asOf(row, generation, { compares: guards.acknowledgeComparesGenerations });
  const patch = gone
    ? recordSettled(record, { generation, actual: nothing, now })
    : recordAcknowledged(record, { generation, now });
  return write(row, patch);
}

export function fail(
  row: Row,
  { generation, failedPermanently }: { generation: number; failedPermanently: boolean },
  guards: Guards,
): Row {
  const record = asOf(row, generation, { compares: guards.failureComparesGenerations });
  return write(row, recordFailure(record, { generation, error, failedPermanently, attempt: null }, now));
}

/** The record that the product compares with. A control without the comparison makes its generation equal. */
function asOf(row: Row, generation: number, { compares }: { compares: boolean }): ProjectRecord {
  return compares ? recordFrom(row) : { ...recordFrom(row), generation };
}

/** What must hold for every write to the row. Returns what is wrong, or `null`. */
export function faultOfWrite(before: Row, after: Row): string | null {
  if (after.generation < before.generation) return 'a command was lost';
  if (after.generation === before.generation && after.desiredState !== before.desiredState) return 'a command changed';
  if (after.observedGeneration < before.observedGeneration) return 'a newer command was no longer acknowledged';
  if (before.status === 'archived' && after.status !== 'archived') return 'an archived project came back';
  if (before.desiredState === 'deleted' && after.desiredState !== 'deleted') return 'a deletion was taken back';
  if (after.status === 'archived' && after.desiredState !== 'deleted')
    return 'a project was archived without a command';
  if (after.failedGeneration !== null && after.failedGeneration !== after.generation) {
    return 'a failure of an earlier command was recorded for a later one';
  }
  return null;
}
