/**
 * The runners of workers at a run. They are counted in its row without a new version, because people see nothing of them.
 * `changeRun` lets only the newest runner write.
 */

import type { Database } from './database.ts';
import { RunModel } from './models.ts';
import { runRecordSchema, type RunRecord } from './run-record.ts';

/**
 * Begins to follow a run: from now on no older runner may write.
 * @param options.mostUnfinished begin only if at most so many runners before this one did not finish
 * @returns the row; `null` if there is no such run, if it has ended, or if more runners did not finish
 */
export async function beginRunAttempt(
  db: Database,
  { id, mostUnfinished = null }: { id: string; mostUnfinished?: number | null },
): Promise<RunRecord | null> {
  const row = await RunModel.query(db)
    .patch({
      attempt: RunModel.raw('attempt + 1'),
      unfinishedAttempts: RunModel.raw('unfinished_attempts + 1'),
    } as Partial<RunModel>)
    .where({ id })
    .whereNull('endedAt')
    .modify((builder) => {
      if (mostUnfinished !== null) void builder.where('unfinishedAttempts', '<=', mostUnfinished);
    })
    .returning('*')
    .first();
  return row ? runRecordSchema.parse(row) : null;
}

/**
 * Records that this runner has ended, or has lasted. If it is the newest one, then the run is no danger to its worker. If a newer
 * one has begun meanwhile, then this one is not dead, and is not counted any more.
 */
export async function endRunAttempt(db: Database, { id, attempt }: Pick<RunRecord, 'id' | 'attempt'>): Promise<void> {
  await db.raw(
    `update runs set unfinished_attempts = case when attempt = ? then 0 else greatest(unfinished_attempts - 1, 0) end
       where id = ?`,
    [attempt, id],
  );
}
