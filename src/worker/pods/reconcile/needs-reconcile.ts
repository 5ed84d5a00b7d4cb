/** Whether a project needs a reconcile: pure decisions of the watch and of the sweep, from the row and the cluster. */

import { isObserved } from '../../../shared/contract/commands.ts';
import { hasFailedPermanently, type ProjectRecord } from '../../../shared/node/db/project-record.ts';
import { decide, type Actual } from './decide.ts';

/**
 * Whether an attempt would now change something in the cluster or in the row.
 * @param nowMs milliseconds since the epoch
 */
export function needsReconcile(record: ProjectRecord, actual: Actual, nowMs: number): boolean {
  if (hasFailedPermanently(record) || actual.unreadable) return false;
  // The next step follows when the pod is gone, and its deletion is an event of the watch.
  if (actual.pod?.metadata.deletionTimestamp) return false;
  const effect = decide(record, actual, nowMs);
  switch (effect.kind) {
    case 'wait':
    case 'conflict':
      return false;
    case 'settled':
      // The objects were gone before the command was acknowledged: only an attempt can acknowledge it.
      return record.desiredState !== 'running' && !isObserved(record);
    default:
      return true;
  }
}

/** As {@link needsReconcile}, but `false` while a command is pending: its own job or the sweep carries it out. */
export function needsReconcileByWatch(record: ProjectRecord, actual: Actual, nowMs: number): boolean {
  return isObserved(record) && needsReconcile(record, actual, nowMs);
}

/** Whether the sweep must request a reconcile: the command is pending and its attempts are not exhausted. */
export function needsReconcileBySweep(record: Pick<ProjectRecord, PendingFields>): boolean {
  return !isObserved(record) && !hasFailedPermanently(record);
}

type PendingFields = 'generation' | 'observedGeneration' | 'failedGeneration';
