/** Reads and writes of the branches of tasks: their names, and what they change (`task_changes`). */

import type { Transaction } from 'objection';
import { z } from 'zod';

import { taskChangesSchema, type TaskChanges } from '../../contract/review.ts';
import type { Database } from './database.ts';
import { TaskChangesModel } from './models.ts';

type Db = Database | Transaction;

/** The task of a run, as far as its branch needs it. */
export async function findTaskOfBranch(
  db: Db,
  id: string,
): Promise<{ id: string; title: string; description: string; branch: string | null } | null> {
  const row = await db<{ id: string; title: string; description: string; branch: string | null }>('tasks')
    .where({ id })
    .first('id', 'title', 'description', 'branch');
  return row ?? null;
}

/** Stores the name of the branch before it is created, unless another one is stored. `null` removes it. */
export async function storeBranch(db: Db, taskId: string, branch: string | null): Promise<void> {
  await db('tasks')
    .where({ id: taskId })
    .modify((builder) => void (branch === null ? builder.whereNotNull('branch') : builder.whereNull('branch')))
    .update({ branch, version: db.raw('version + 1'), updated_at: db.raw('now()') });
}

export interface StoredChanges extends Omit<TaskChanges, 'readAt' | 'files'> {
  files: (Omit<TaskChanges['files'][number], 'hasPatch'> & { patch: string | null })[];
}

/** Replaces what is stored about the branch of a task, unless a newer runner has begun. */
export async function storeChanges(
  db: Db,
  { taskId, run }: { taskId: string; run: { id: string; attempt: number } | null },
  changes: StoredChanges,
): Promise<void> {
  const files = changes.files.map(({ patch, ...file }) => ({ ...file, hasPatch: patch !== null }));
  const patches = Object.fromEntries(
    changes.files.flatMap(({ path, patch }) => (patch === null ? [] : [[path, patch]])),
  );
  await db.raw(
    `insert into task_changes (task_id, state, branch, base_commit, head_commit, merge_commit, files, patches, file_count,
                               is_truncated, uncommitted, problem, read_at)
     select id, ?, ?, ?, ?, ?, ?::jsonb, ?::jsonb, ?, ?, ?, ?, now() from tasks
       where id = ? and (?::uuid is null or exists (select 1 from runs where id = ? and attempt = ?))
     on conflict (task_id) do update
       set (state, branch, base_commit, head_commit, merge_commit, files, patches, file_count, is_truncated, uncommitted,
            problem, read_at)
         = (excluded.state, excluded.branch, excluded.base_commit, excluded.head_commit, excluded.merge_commit, excluded.files,
            excluded.patches, excluded.file_count, excluded.is_truncated, excluded.uncommitted, excluded.problem,
            excluded.read_at)`,
    [
      changes.state,
      changes.branch,
      changes.baseCommit,
      changes.headCommit,
      changes.mergeCommit,
      storable(files),
      storable(patches),
      changes.fileCount,
      changes.isTruncated,
      changes.uncommitted,
      changes.problem,
      taskId,
      run?.id ?? null,
      run?.id ?? null,
      run?.attempt ?? null,
    ],
  );
}

/** PostgreSQL stores neither a NUL byte nor half of a surrogate pair. */
const storable = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'string' ? each.replaceAll('\0', '\uFFFD').toWellFormed() : each,
  );

const rowSchema = z.looseObject({ readAt: z.date().transform((date) => date.toISOString()) }).pipe(taskChangesSchema);

/** What is stored about the branch of a task. The caller checks whose task it is. */
export async function readChanges(db: Db, taskId: string): Promise<TaskChanges | null> {
  const columns = Object.keys(taskChangesSchema.shape);
  const row = await TaskChangesModel.query(db).findById(taskId).select(columns);
  const parsed = rowSchema.safeParse(row?.toJSON());
  return parsed.success ? parsed.data : null;
}

/** The lines of one file; `null` when they are not stored. The caller checks whose task it is. */
export async function readPatch(db: Db, { taskId, path }: { taskId: string; path: string }): Promise<string | null> {
  const row = await db('task_changes')
    .where({ task_id: taskId })
    .first<{ patch: string | null } | undefined>(db.raw('patches ->> ? as patch', [path]));
  return row?.patch ?? null;
}

/** As many of the patches as fit into a text of this length, for a reviewer who reads them at once. */
export async function readPatches(db: Db, taskId: string): Promise<Record<string, string>> {
  const row = await db('task_changes')
    .where({ task_id: taskId })
    .first<{ patches: Record<string, string> } | undefined>('patches');
  return row?.patches ?? {};
}

/** Longer than an action of git can wait for its turn. A server that dies releases the task by this time. */
const reviewSeconds = 60;

/** Keeps agents from beginning to work on a task. @returns `false` when a run has not ended, or another review has the task */
export async function claimForReview(db: Db, taskId: string): Promise<boolean> {
  const count = await db('tasks')
    .where({ id: taskId })
    .whereRaw('(review_until is null or review_until <= now())')
    .whereNotExists(db('runs').select('id').where({ task_id: taskId }).whereNull('ended_at'))
    .update({ review_until: db.raw("now() + ? * interval '1 second'", [reviewSeconds]) });
  return count === 1;
}

export async function releaseFromReview(db: Db, taskId: string): Promise<void> {
  await db('tasks').where({ id: taskId }).update({ review_until: null });
}

/** The project contains the branch: the task is DONE. */
export async function recordAccepted(db: Db, { taskId, commit }: { taskId: string; commit: string }): Promise<void> {
  await db.raw(
    `with changes as (update task_changes set state = 'accepted', merge_commit = ? where task_id = ?)
     update tasks set state = 'DONE', version = version + 1, updated_at = now() where id = ?`,
    [commit, taskId, taskId],
  );
}

/** The branch was removed unmerged: the task is as before its first run. */
export async function recordDiscarded(db: Db, taskId: string): Promise<void> {
  await db.raw(
    `with changes as (update task_changes set state = 'discarded' where task_id = ? and state = 'open')
     update tasks set state = 'TODO', branch = null, version = version + 1, updated_at = now() where id = ?`,
    [taskId, taskId],
  );
}
