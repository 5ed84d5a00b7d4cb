/**
 * The attempts of workers at a project. They are counted in its row without a new version, because people see nothing of them.
 * `changeProject` lets only the newest attempt write.
 */

import type { Database } from './database.ts';
import { ProjectModel } from './models.ts';
import { projectRecordSchema, type ProjectRecord } from './project-record.ts';

/**
 * Begins an attempt: from now on no older attempt at the project may write.
 * @param options.mostUnfinished begin only if at most so many attempts before it did not end
 * @returns the row, or `null` if there is none, or if more attempts did not end
 */
export async function beginAttempt(
  db: Database,
  { id, mostUnfinished = null }: { id: string; mostUnfinished?: number | null },
): Promise<ProjectRecord | null> {
  const row = await ProjectModel.query(db)
    .patch({
      attempt: ProjectModel.raw('attempt + 1'),
      unfinishedAttempts: ProjectModel.raw('unfinished_attempts + 1'),
    } as Partial<ProjectModel>)
    .where({ id })
    .modify((builder) => {
      if (mostUnfinished !== null) void builder.where('unfinishedAttempts', '<=', mostUnfinished);
    })
    .returning('*')
    .first();
  return row ? projectRecordSchema.parse(row) : null;
}

/** Records that this attempt has ended, however it ended. Has no effect when a newer one has begun. */
export async function endAttempt(db: Database, { id, attempt }: Pick<ProjectRecord, 'id' | 'attempt'>): Promise<void> {
  await ProjectModel.query(db)
    .patch({ unfinishedAttempts: 0 } as Partial<ProjectModel>)
    .where({ id, attempt });
}

/** Records it after an outage. If a newer attempt has begun meanwhile, then this one is not counted any more. */
export async function endAttemptLate(
  db: Database,
  { id, attempt }: Pick<ProjectRecord, 'id' | 'attempt'>,
): Promise<void> {
  await db.raw(
    `update projects set unfinished_attempts = case when attempt = ? then 0 else greatest(unfinished_attempts - 1, 0) end
       where id = ?`,
    [attempt, id],
  );
}
