/** Decides whether row and cluster disagree (drift) although no event reported it. Pure; `resync.ts` runs the comparison. */

import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import { differs } from '../../../shared/node/db/projects-repository.ts';
import { needsReconcileByWatch } from '../reconcile/needs-reconcile.ts';
import { derive, type ObservedState } from '../status/derive.ts';

/** Whether the row says what the cluster shows, and no reconcile is needed. That holds for most projects at most times. */
export interface Comparison {
  agrees: boolean;
  /** The ISO time at which the status must be derived again, because time alone changes it. */
  recheckAt: string | null;
}

/** @param nowMs milliseconds since the epoch */
export function compareWithCluster(record: ProjectRecord, observed: ObservedState, nowMs: number): Comparison {
  const { patch, recheckAt } = derive(record, observed, new Date(nowMs).toISOString());
  const agrees = !needsReconcileByWatch(record, observed, nowMs) && !differs(record, patch);
  return { agrees, recheckAt };
}

/**
 * What a comparison says about a project. `candidate`: it disagrees, but an event or a job may be on its way.
 * `confirmed`: a while later it still disagrees, and nothing that is on its way explains it.
 */
export type Drift = 'none' | 'candidate' | 'confirmed';

/**
 * @param comparison.candidateVersion the version of the row when it became a candidate; `null` if it is none
 * @param comparison.isQueued an observation of the project is already queued
 */
export function classifyDrift(
  { statusVersion }: Pick<ProjectRecord, 'statusVersion'>,
  comparison: { agrees: boolean; candidateVersion: number | null; isQueued: boolean },
): Drift {
  const { agrees, candidateVersion, isQueued } = comparison;
  if (agrees) return 'none';
  if (candidateVersion === null) return 'candidate';
  // The row has changed, or is about to change: what was found before is explained.
  return candidateVersion === statusVersion && !isQueued ? 'confirmed' : 'none';
}
