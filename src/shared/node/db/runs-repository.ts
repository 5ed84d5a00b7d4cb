/**
 * Reads and writes of `runs`. Each change of a run also raises the version of its task, so that one number orders everything that
 * people see of a task. `changeRun` is the only function that changes what people see of a run. All statements on
 * the table stand here, so that the rule can be checked in one place, hence its length.
 */

import { isDeepStrictEqual } from 'node:util';

import { UniqueViolationError, type Transaction } from 'objection';

import { AppError } from '../../contract/errors.ts';
import { hasEnded, noUsage, type Run, type Transcript, type Workspace } from '../../contract/tasks.ts';
import { transcriptMessageSchema } from '../../contract/tasks.ts';
import { permitted, type Permit } from '../project-access.ts';
import type { Database } from './database.ts';
import { RunModel, RunTranscriptModel } from './models.ts';
import type { ProjectRecord } from './project-record.ts';
import { accessColumns, accessOfRow, countWaitingRuns } from './projects-repository.ts';
import { runRecordSchema, type RunRecord } from './run-record.ts';

type Db = Database | Transaction;

export type RunPatch = Partial<
  Pick<
    RunRecord,
    | 'desiredState'
    | 'state'
    | 'message'
    | 'opencodeSessionId'
    | 'messageId'
    | 'answers'
    | 'pending'
    | 'todos'
    | 'usage'
    | 'diff'
    | 'startedAt'
    | 'workspace'
    | 'isSaved'
    | 'verdict'
  >
>;

export interface NewRun {
  id: string;
  taskId: string;
  projectId: string;
  idempotencyKey: string;
  prompt: string;
  message: string;
  /** The run whose session this one continues, with the id of that session. */
  continues: { runId: string; sessionId: string; workspace: Workspace | null } | null;
}

/**
 * Inserts a run, and moves its task to IN_PROGRESS. The same key of the same task returns the run of the first call.
 * @throws AppError ILLEGAL_STATE when the task has a run that has not ended; QUOTA_EXCEEDED
 */
export async function insertRun(
  db: Database,
  { continues, ...run }: NewRun,
  { maxActive }: { maxActive: number },
): Promise<{ record: RunRecord; created: boolean }> {
  try {
    return await db.transaction(async (trx) => {
      // Starts in one project follow each other, so that together they do not exceed the limit.
      await trx.raw('select 1 from projects where id = ? for update', [run.projectId]);
      const known = await RunModel.query(trx).findOne({ taskId: run.taskId, idempotencyKey: run.idempotencyKey });
      if (known) return { record: runRecordSchema.parse(known), created: false };
      const active = await RunModel.query(trx).where({ projectId: run.projectId }).whereNull('endedAt').resultSize();
      if (active >= maxActive) throw tooManyRuns(active);
      await refuseDuringReview(trx, run.taskId);
      const row = await RunModel.query(trx)
        .insert({
          ...run,
          usage: noUsage,
          continuesRunId: continues?.runId ?? null,
          opencodeSessionId: continues?.sessionId ?? null,
          // A session stays in its folder. A worktree is prepared again, because it may have been removed meanwhile.
          workspace: continues?.workspace?.kind === 'project' ? continues.workspace : null,
        } as Partial<RunModel>)
        .returning('*');
      await trx('tasks')
        .where({ id: run.taskId })
        .update({ state: 'IN_PROGRESS', version: trx.raw('version + 1'), updated_at: trx.raw('now()') });
      return { record: runRecordSchema.parse(row), created: true };
    });
  } catch (error) {
    if (error instanceof UniqueViolationError && error.constraint === 'runs_active') throw taskIsBusy(error);
    throw error;
  }
}

/** While a branch is merged or removed, no agent may begin to work on it. */
async function refuseDuringReview(trx: Transaction, taskId: string): Promise<void> {
  const row = await trx('tasks').where({ id: taskId }).whereRaw('review_until > now()').first('id');
  if (row === undefined) return;
  const message = 'The branch of this task is being accepted, discarded or pushed. Try again in a few seconds.';
  throw new AppError('ILLEGAL_STATE', message, { retryAfterSeconds: 5 });
}

function taskIsBusy(cause: unknown): AppError {
  const message = 'A run of this task has not ended yet. Wait until it has ended, or abort it.';
  return new AppError('ILLEGAL_STATE', message, { cause });
}

function tooManyRuns(active: number): AppError {
  const message = `${active} runs of this project have not ended yet, which is the limit. Wait until one has ended, or abort one.`;
  return new AppError('QUOTA_EXCEEDED', message);
}

/** The run of any owner, or `null`. */
export async function findRun(db: Db, id: string): Promise<RunRecord | null> {
  const row = await RunModel.query(db).findById(id);
  return row ? runRecordSchema.parse(row) : null;
}

/**
 * The run, or `null` if it does not exist for this person.
 * @throws AppError FORBIDDEN if the role of the person is not enough
 */
export async function findPermittedRun(db: Db, { id, ...permit }: { id: string } & Permit): Promise<RunRecord | null> {
  const row = await RunModel.query(db)
    .join('projects', 'projects.id', 'runs.project_id')
    .select('runs.*', accessColumns)
    .findOne({ 'runs.id': id });
  return row && permitted(accessOfRow(row), permit) ? runRecordSchema.parse(row) : null;
}

/** The newest runs of a task, the newest first. */
export async function listRunsOfTask(db: Db, query: { taskId: string; limit: number }): Promise<RunRecord[]> {
  const rows = await RunModel.query(db).where({ taskId: query.taskId }).orderBy('seq', 'desc').limit(query.limit);
  return rows.map((row) => runRecordSchema.parse(row));
}

/** The newest run of each of these tasks, by the id of the task. */
export async function findLatestRuns(db: Db, taskIds: string[]): Promise<Map<string, RunRecord>> {
  if (taskIds.length === 0) return new Map();
  const rows = await RunModel.query(db)
    .distinctOn('taskId')
    .whereIn('taskId', taskIds)
    .orderBy([{ column: 'taskId' }, { column: 'seq', order: 'desc' }]);
  return new Map(rows.map((row) => [row.taskId, runRecordSchema.parse(row)]));
}

/** A page by `seq` of the runs that have not ended. Only what names them is read, so no row can make the page unreadable. */
export async function listUnendedRuns(
  db: Db,
  options: { olderThanMs: number; afterSeq: number; limit: number },
): Promise<{ id: string; seq: number }[]> {
  const rows = await db<{ id: string; seq: string }>('runs')
    .select('id', 'seq')
    .whereNull('ended_at')
    .whereRaw("created_at < now() - ? * interval '1 millisecond'", [options.olderThanMs])
    .where('seq', '>', options.afterSeq)
    .orderBy('seq')
    .limit(options.limit);
  return rows.map(({ id, seq }) => ({ id, seq: Number(seq) }));
}

/** Those of these projects that have a run that has not ended. */
export async function findProjectsWithRuns(db: Db, projectIds: string[]): Promise<Set<string>> {
  const rows = await RunModel.query(db).distinct('projectId').whereIn('projectId', projectIds).whereNull('endedAt');
  return new Set(rows.map(({ projectId }) => projectId));
}

/** Whether a run that has not ended uses this session. The pods of two projects may use the same id. */
export async function isSessionInUse(db: Db, session: { projectId: string; sessionId: string }): Promise<boolean> {
  const { projectId, sessionId } = session;
  const row = await db('runs')
    .where({ project_id: projectId, opencode_session_id: sessionId })
    .whereNull('ended_at')
    .first('id');
  return row !== undefined;
}

/** The versions of these runs. */
export async function readRunVersions(db: Db, ids: string[]): Promise<Map<string, number>> {
  if (ids.length === 0) return new Map();
  const rows = await db<{ id: string; version: string }>('runs').select('id', 'version').whereIn('id', ids);
  return new Map(rows.map(({ id, version }) => [id, Number(version)]));
}

/** What a change of a run has changed. */
export interface RunChange {
  record: RunRecord;
  changed: boolean;
  project: ProjectRecord | null;
}

interface RunKey {
  id: string;
  /** The change requires that this person may make it. */
  permit?: Permit;
  /** The change requires that no newer runner has begun. */
  attempt?: number;
}

/**
 * Changes one run by compare-and-set on its version. `changeOf` receives the current record and returns the patch, or `null` for
 * no change. It is called again if another writer was faster. The version rises only if a field differs. A run that has ended
 * does not change any more.
 * @param review starts together with the change, which must end the run
 * @returns `null` if there is no such run, or if a newer runner has begun. `project`: the project of the run, if it has changed too
 */
export async function changeRun(
  db: Database,
  { id, permit, attempt }: RunKey,
  changeOf: (record: RunRecord) => RunPatch | null,
  review: NewReview | null = null,
): Promise<RunChange | null> {
  for (;;) {
    const record = permit ? await findPermittedRun(db, { id, ...permit }) : await findRun(db, id);
    if (!record || (attempt !== undefined && record.attempt !== attempt)) return null;
    if (hasEnded(record)) return { record, changed: false, project: null };
    const patch = changeOf(record);
    if (!patch || !differs(record, patch)) return { record, changed: false, project: null };
    const written = await writeChange(db, record, patch, review);
    if (written) return { ...written, changed: true };
  }
}

function differs(record: RunRecord, patch: RunPatch): boolean {
  return Object.entries(patch).some(([field, value]) => !isDeepStrictEqual(value, record[field as keyof RunRecord]));
}

/** Whether an answer of a person is missing. */
function isWaiting({ state, pending }: Pick<RunRecord, 'state' | 'pending'>): boolean {
  return state === 'waiting-for-answer' && pending.length > 0;
}

/** The review of what a run has changed. */
export interface NewReview {
  id: string;
  prompt: string;
  message: string;
}

/** Returns `null`, with nothing written, if the row has another version or a newer runner. */
async function writeChange(
  db: Database,
  before: RunRecord,
  patch: RunPatch,
  review: NewReview | null,
): Promise<Pick<RunChange, 'record' | 'project'> | null> {
  const waits = isWaiting({ ...before, ...patch });
  const isCounted = waits === (before.waitingSince !== null);
  if (isCounted && !review) {
    const record = await updateRun(db, before, patch);
    return record && { record, project: null };
  }
  return await db.transaction(async (trx) => {
    // Changes of one project follow each other, so that the project counts all its runs that wait.
    if (!isCounted) await trx.raw('select 1 from projects where id = ? for update', [before.projectId]);
    const waiting = isCounted ? {} : { waitingSince: waits ? trx.raw('now()') : null };
    const record = await updateRun(trx, before, { ...patch, ...waiting }, review ? 'AI_REVIEW' : 'HUMAN_REVIEW');
    if (!record) return null;
    if (review) await insertReview(trx, record, review);
    return { record, project: isCounted ? null : await countWaitingRuns(trx, before.projectId) };
  });
}

async function insertReview(trx: Transaction, reviewed: RunRecord, review: NewReview): Promise<void> {
  await RunModel.query(trx).insert({
    ...review,
    kind: 'review',
    reviewsRunId: reviewed.id,
    taskId: reviewed.taskId,
    projectId: reviewed.projectId,
    idempotencyKey: `review of ${reviewed.id}`,
    workspace: reviewed.workspace,
    // It changes nothing.
    isSaved: true,
    usage: noUsage,
  } as Partial<RunModel>);
}

/** One statement. */
async function updateRun(
  db: Db,
  { id, version, attempt, ...before }: RunRecord,
  patch: RunPatch & { waitingSince?: unknown },
  next: 'AI_REVIEW' | 'HUMAN_REVIEW' = 'HUMAN_REVIEW',
): Promise<RunRecord | null> {
  const state = patch.state ?? before.state;
  const update = RunModel.query()
    .patch({
      ...patch,
      ...(hasEnded({ state }) ? { endedAt: RunModel.raw('now()'), answers: {}, pending: [] } : {}),
      version: RunModel.raw('version + 1'),
      updatedAt: RunModel.raw('now()'),
    } as unknown as Partial<RunModel>)
    .where({ id, version, attempt })
    .returning('*');
  // A task whose run has succeeded waits for its review, unless somebody has moved it meanwhile. After the review of an agent,
  // whatever has become of it, follows the one of a person.
  const task = db.raw(
    `update tasks set version = version + 1, updated_at = now(),
            state = case when state = 'IN_PROGRESS' and ? then ? when state = 'AI_REVIEW' and ? then 'HUMAN_REVIEW' else state end
       where id = (select task_id from changed)`,
    [state === 'succeeded' && before.kind === 'work', next, hasEnded({ state }) && before.kind === 'review'],
  );
  const row = await RunModel.query(db)
    .with('changed', update)
    .with('task', task)
    .from('changed')
    .select('changed.*')
    .first();
  return row ? runRecordSchema.parse(row) : null;
}

/** Stores the conversation of a run, unless a newer runner has begun. */
export async function storeTranscript(
  db: Database,
  { runId, attempt }: { runId: string; attempt: number },
  { messages, truncated }: Pick<Transcript, 'messages' | 'truncated'>,
): Promise<void> {
  await db.raw(
    `insert into run_transcripts (run_id, messages, truncated, read_at)
     select id, ?::jsonb, ?, now() from runs where id = ? and attempt = ?
     on conflict (run_id) do update
       set messages = excluded.messages, truncated = excluded.truncated, read_at = excluded.read_at`,
    [JSON.stringify(messages), truncated, runId, attempt],
  );
}

/** The stored conversation; empty if none was stored. The caller checks whose run it is. */
export async function readTranscript(db: Db, runId: Run['id']): Promise<Transcript> {
  const row = await RunTranscriptModel.query(db)
    .findById(runId)
    .castTo<{ messages: unknown[]; truncated: boolean; readAt: Date } | undefined>();
  if (!row) return { messages: [], truncated: false, readAt: null };
  const messages = row.messages.flatMap((message) => {
    const parsed = transcriptMessageSchema.safeParse(message);
    return parsed.success ? [parsed.data] : []; // an older version may have stored another shape
  });
  return { messages, truncated: row.truncated, readAt: row.readAt.toISOString() };
}
