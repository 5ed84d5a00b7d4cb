/** Reads and writes of `tasks`. Each function for the server requires a person with a right in the project. */

import type { Transaction } from 'objection';
import { z } from 'zod';

import { AppError } from '../../contract/errors.ts';
import { positionBetween } from '../../contract/position.ts';
import {
  taskPrioritySchema,
  taskStateSchema,
  type CreateTaskInput,
  type Task,
  type TaskState,
} from '../../contract/tasks.ts';
import { permitted, type Permit } from '../project-access.ts';
import type { Database } from './database.ts';
import { TaskModel } from './models.ts';
import { accessColumns, accessOfRow, permittedIds } from './projects-repository.ts';
import { toRun } from './run-record.ts';
import { findLatestRuns } from './runs-repository.ts';

type Db = Database | Transaction;

const time = z
  .date()
  .transform((date) => date.toISOString())
  .catch('1970-01-01T00:00:00.000Z');

const taskRecordSchema = z.object({
  id: z.string(),
  projectId: z.string(),
  title: z.string(),
  description: z.string(),
  state: taskStateSchema,
  position: z.string(),
  priority: taskPrioritySchema,
  branch: z.string().nullable(),
  version: z.coerce.number().int(),
  createdAt: time,
  updatedAt: time,
});
type TaskRecord = z.infer<typeof taskRecordSchema>;

interface NewTask {
  id: string;
  projectId: string;
  idempotencyKey: string | null;
  title: string;
  description: string;
  state: TaskState;
  place: CreateTaskInput['place'];
  priority: Task['priority'];
}

/**
 * Inserts a task at one end of its column. The caller has checked whose project it is.
 * @throws AppError QUOTA_EXCEEDED
 */
export async function insertTask(
  db: Transaction,
  { place, ...task }: NewTask,
  { maxTasks }: { maxTasks: number },
): Promise<{ task: Task; created: boolean }> {
  await lockBoard(db, task.projectId);
  if (task.idempotencyKey !== null) {
    const { projectId, idempotencyKey } = task;
    const known = await TaskModel.query(db).findOne({ projectId, idempotencyKey });
    if (known) return { task: await withRun(db, taskRecordSchema.parse(known)), created: false };
  }
  const count = await TaskModel.query(db).where({ projectId: task.projectId }).resultSize();
  if (count >= maxTasks) {
    const message = `The project has ${count} tasks, which is the limit. Delete some before you create another.`;
    throw new AppError('QUOTA_EXCEEDED', message);
  }
  const outermost = await TaskModel.query(db)
    .where({ projectId: task.projectId, state: task.state } as Partial<TaskModel>)
    .orderBy('position', place === 'top' ? 'asc' : 'desc')
    .first();
  const edge = outermost?.position ?? null;
  const position = place === 'top' ? positionBetween(null, edge) : positionBetween(edge, null);
  const row = await TaskModel.query(db)
    .insert({ ...task, position } as Partial<TaskModel>)
    .returning('*');
  return { task: { ...taskRecordSchema.parse(row), latestRun: null }, created: true };
}

/** Changes of one board follow each other, so that no two tasks get one position. */
async function lockBoard(db: Transaction, projectId: string): Promise<void> {
  await db.raw('select 1 from projects where id = ? for update', [projectId]);
}

export type TaskKey = { id: string } & Permit;

/**
 * The task, or `null` if it does not exist for this person.
 * @throws AppError FORBIDDEN if the role of the person is not enough
 */
export async function findPermittedTask(db: Db, { id, ...permit }: TaskKey): Promise<Task | null> {
  const row = await TaskModel.query(db)
    .join('projects', 'projects.id', 'tasks.project_id')
    .select('tasks.*', accessColumns)
    .findOne({ 'tasks.id': id });
  if (!row || !permitted(accessOfRow(row), permit)) return null;
  return await withRun(db, taskRecordSchema.parse(row));
}

/** The tasks of a project, those of one column in their order. The caller has checked whose project it is. */
export async function listTasks(db: Db, projectId: string, ids?: string[]): Promise<Task[]> {
  const rows = await TaskModel.query(db)
    .where({ projectId })
    .modify((builder) => {
      if (ids) void builder.whereIn('id', ids);
    })
    .orderBy(['position', 'id']);
  const records = rows.map((row) => taskRecordSchema.parse(row));
  const runs = await findLatestRuns(
    db,
    records.map(({ id }) => id),
  );
  return records.map((record) => withRunOf(record, runs));
}

/** The version of each task of a project. */
export async function readTaskVersions(db: Db, projectId: string): Promise<Map<string, number>> {
  const rows = await db<{ id: string; version: string; projectId: string }>('tasks')
    .select('id', 'version')
    .where({ projectId });
  return new Map(rows.map(({ id, version }) => [id, Number(version)]));
}

export type TaskPatch = Partial<Pick<Task, 'title' | 'description' | 'priority'>>;

/** Changes the fields that are given. Returns `null` if the task does not exist for this person. */
export async function updateTask(db: Db, key: TaskKey, patch: TaskPatch): Promise<Task | null> {
  if (!(await findPermittedTask(db, key))) return null;
  const row = await writeTask(db, key, patch);
  return row ? await withRun(db, row) : null;
}

/**
 * Moves a task to a place of a column. Returns `null` if the task does not exist for this person.
 * @throws AppError NOT_FOUND when the task of `afterId` is not in that column
 */
export async function moveTask(
  db: Database,
  key: TaskKey,
  { state, afterId }: { state: TaskState; afterId: string | null },
): Promise<Task | null> {
  return await db.transaction(async (trx) => {
    const task = await findPermittedTask(trx, key);
    if (!task) return null;
    const { projectId } = task;
    await lockBoard(trx, projectId);
    const column = () =>
      TaskModel.query(trx)
        .where({ projectId, state } as Partial<TaskModel>)
        .whereNot({ id: key.id });
    const before = afterId === null ? null : await column().findById(afterId);
    if (before === undefined) {
      const message = 'The task above is not in this column any more. Choose the place again.';
      throw new AppError('NOT_FOUND', message, { fields: { afterId: message } });
    }
    const after = await column()
      .modify((builder) => {
        if (before) void builder.where('position', '>', before.position);
      })
      .orderBy('position')
      .first();
    const position = positionBetween(before?.position ?? null, after?.position ?? null);
    const row = await writeTask(trx, key, { state, position });
    return row && (await withRun(trx, row));
  });
}

async function writeTask(
  db: Db,
  { id, ...permit }: TaskKey,
  patch: TaskPatch & { state?: TaskState; position?: string },
): Promise<TaskRecord | null> {
  const row = await TaskModel.query(db)
    .patch({
      ...patch,
      version: TaskModel.raw('version + 1'),
      updatedAt: TaskModel.raw('now()'),
    } as unknown as Partial<TaskModel>)
    .where({ id })
    .whereIn('projectId', permittedIds(db, permit))
    .returning('*')
    .first();
  return row ? taskRecordSchema.parse(row) : null;
}

/**
 * Deletes a task with its runs. Returns `null` if the task does not exist for this person.
 * @throws AppError ILLEGAL_STATE when a run of the task has not ended
 */
export async function deleteTask(db: Database, key: TaskKey): Promise<{ id: string; projectId: string } | null> {
  return await db.transaction(async (trx) => {
    if (!(await findPermittedTask(trx, key))) return null;
    const row = await TaskModel.query(trx).findById(key.id).whereIn('projectId', permittedIds(trx, key)).forUpdate();
    if (!row) return null;
    const active = await trx('runs').where({ task_id: key.id }).whereNull('ended_at').first('id');
    if (active !== undefined) {
      const message = 'A run of this task has not ended yet. Abort it before you delete the task.';
      throw new AppError('ILLEGAL_STATE', message);
    }
    await TaskModel.query(trx).deleteById(key.id);
    return { id: row.id, projectId: row.projectId };
  });
}

/** Deletes up to `limit` tasks, with their runs, of projects that have been archived for a week. Returns their number. */
export function pruneTasks(db: Db, { limit }: { limit: number }): Promise<number> {
  const archived = db('projects').select('id').whereRaw("deleted_at < now() - interval '7 days'");
  return db('tasks').whereIn('id', db('tasks').select('id').whereIn('project_id', archived).limit(limit)).delete();
}

async function withRun(db: Db, record: TaskRecord): Promise<Task> {
  return withRunOf(record, await findLatestRuns(db, [record.id]));
}

function withRunOf(record: TaskRecord, runs: Awaited<ReturnType<typeof findLatestRuns>>): Task {
  const run = runs.get(record.id);
  return { ...record, latestRun: run ? toRun(run) : null };
}
