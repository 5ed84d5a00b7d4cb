/**
 * Finds pods of a later generation than their rows have ever had. Then the database was restored from a backup in a way that it
 * does not show, such as a copy of its disk. Without a remedy the next restart would count as carried out by such a pod.
 */

import type { Database } from '../../../shared/node/db/database.ts';
import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import { findProject } from '../../../shared/node/db/projects-repository.ts';
import { raisedGenerations, type RestoredData } from '../../../shared/node/db/restored-data.ts';
import { createLimitedWarn } from '../../../shared/node/log-limit.ts';
import type { Log } from '../../../shared/node/log.ts';
import type { KubernetesPod } from '../kube/kubernetes-pod.ts';
import { generationAnnotation } from '../kube/manifests.ts';
import { isOurs } from '../reconcile/decide.ts';

export interface FallenGenerations {
  /** Looks at the pod of a row. Returns at once; what follows happens later. */
  look(record: ProjectRecord, pod: KubernetesPod | null): void;
}

export function createFallenGenerations(deps: {
  db: Database;
  restoredData: Pick<RestoredData, 'check' | 'assume'>;
  log: Log;
}): FallenGenerations {
  const { db, restoredData } = deps;
  const warn = createLimitedWarn(deps.log);
  let isChecking = false;

  async function check(id: string, generation: number): Promise<void> {
    await restoredData.check();
    // The row may have been read before the command that created this pod.
    const record = await findProject(db, id);
    if (record && isLater(generation, record)) await restoredData.assume(`a pod has generation ${generation}`);
  }

  return {
    look(record, pod) {
      if (isChecking || pod === null || !isOurs(record, pod)) return;
      const generation = Number(pod.metadata.annotations[generationAnnotation] ?? 0);
      if (!isLater(generation, record)) return;
      isChecking = true;
      check(record.id, generation)
        .catch((error: unknown) =>
          warn('fallen', { error: String(error) }, 'a restore of the database could not be checked; trying again'),
        )
        .finally(() => {
          isChecking = false;
        });
    },
  };
}

/** A number that is even larger was written by hand. Raising the rows once would not help. */
function isLater(generation: number, record: ProjectRecord): boolean {
  return generation > record.generation && generation - record.generation < raisedGenerations;
}
