/**
 * Reads and writes of `projects`. Every change that people see uses {@link changeProject}, except {@link countWaitingRuns}
 * and {@link setIdleCountdown}. Only these three raise versions, except after a restore. All statements on the table stand here, so that the rule can be checked in one
 * place, hence its length.
 */

import { isDeepStrictEqual } from 'node:util';

import { UniqueViolationError, type QueryBuilder, type Transaction } from 'objection';

import { initialProgress } from '../../contract/diagnosis.ts';
import { AppError } from '../../contract/errors.ts';
import type { IdleStop } from '../../contract/idle-stop.ts';
import { projectJobAttempts } from '../../contract/jobs.ts';
import type { ProjectSort } from '../../contract/project.ts';
import { rolesWith } from '../../contract/roles.ts';
import type { ProjectStatus } from '../../contract/states.ts';
import { statusMessages } from '../../contract/status-messages.ts';
import { permitted, type Permit } from '../project-access.ts';
import type { Database } from './database.ts';
import { containing } from './like-pattern.ts';
import { ProjectModel, UserModel } from './models.ts';
import { insertEventOfChanged, type NewProjectEvent } from './project-events-repository.ts';
import { projectRecordSchema, type ProjectRecord } from './project-record.ts';
import { insertStartOfChanged, type FinishedStart } from './project-starts-repository.ts';

type Db = Database | Transaction;

export type ProjectPatch = Partial<
  Omit<
    ProjectRecord,
    'id' | 'seq' | 'ownerId' | 'idempotencyKey' | 'attempt' | 'statusVersion' | 'createdAt' | 'updatedAt'
  >
>;

interface NewProject {
  id: string;
  ownerId: string;
  idempotencyKey: string | null;
  name: string;
  description: string;
  repoUrl: string | null;
  size?: string | null;
  storage?: string | null;
  idleStop?: IdleStop;
  aiReview?: boolean;
  namespace: string;
  podName: string;
  workspacePvcName: string;
}

/**
 * Inserts a project within its owner's quota. A repeated `idempotencyKey` returns the project of the first call.
 * @throws AppError NAME_TAKEN, QUOTA_EXCEEDED
 */
export async function insertProject(
  db: Transaction,
  project: NewProject,
  options: { maxProjects: number },
): Promise<{ record: ProjectRecord; created: boolean }> {
  // Locks the owner's row while projects are counted, so that two concurrent creates cannot exceed the quota.
  await UserModel.query(db).findById(project.ownerId).forUpdate();
  if (project.idempotencyKey !== null) {
    const existing = await ProjectModel.query(db).findOne({
      ownerId: project.ownerId,
      idempotencyKey: project.idempotencyKey,
    });
    if (existing) return { record: projectRecordSchema.parse(existing), created: false };
  }
  const counted = await ProjectModel.query(db)
    .where({ ownerId: project.ownerId })
    .whereNot('desiredState', 'deleted')
    .select(ProjectModel.raw('count(*)::integer as live'), ProjectModel.raw('count(trashed_at)::integer as trashed'))
    .first()
    .castTo<{ live: number; trashed: number }>();
  if (counted.live >= options.maxProjects) {
    throw new AppError('QUOTA_EXCEEDED', tooManyProjects({ ...counted, limit: options.maxProjects }));
  }
  const row = await ProjectModel.query(db)
    .insert({
      ...project,
      reason: 'queued',
      ...statusMessages.queued,
      reasonSince: new Date(),
      progress: initialProgress(new Date().toISOString(), projectJobAttempts),
    } as Partial<ProjectModel>)
    .returning('*')
    .catch(rethrowTakenName);
  return { record: projectRecordSchema.parse(row), created: true };
}

/** A project in the trash counts, because it has a volume. */
export function tooManyProjects({ live, trashed, limit }: { live: number; trashed: number; limit: number }): string {
  const message = `You have ${live} of at most ${limit} projects`;
  return trashed === 0
    ? `${message}. Delete one before you create another.`
    : `${message}, ${trashed} of them in the trash. Delete one of those for good before you create another.`;
}

/** The project of any owner and in any state, or `null`. */
export async function findProject(db: Db, id: string): Promise<ProjectRecord | null> {
  const row = await ProjectModel.query(db).findById(id);
  return row ? projectRecordSchema.parse(row) : null;
}

/**
 * The project in any state, or `null` if it does not exist for this person.
 * @throws AppError FORBIDDEN if the role of the person is not enough
 */
export async function findPermittedProject(
  db: Db,
  { id, ...permit }: { id: string } & Permit,
): Promise<ProjectRecord | null> {
  const record = await findProject(db, id);
  return record && permitted(record, permit);
}

/** What {@link accessOfRow} needs of the project that a row belongs to, so that one statement finds the row and who may use it. */
export const accessColumns = {
  projectOwnerId: 'projects.owner_id',
  projectMembers: 'projects.members',
  projectTrashedAt: 'projects.trashed_at',
};

const accessRowSchema = projectRecordSchema.pick({ ownerId: true, members: true, trashedAt: true });

export function accessOfRow(row: object) {
  const { projectOwnerId, projectMembers, projectTrashedAt } = row as Record<keyof typeof accessColumns, unknown>; // parsed next
  return accessRowSchema.parse({ ownerId: projectOwnerId, members: projectMembers, trashedAt: projectTrashedAt });
}

/** The ids of the projects in which this person has this right, as a condition of a statement. */
export function permittedIds(db: Db, { userId, right }: Permit) {
  return db('projects')
    .select('id')
    .where((either) => {
      void either.where({ owner_id: userId });
      void either.orWhereRaw("(trashed_at is null and members -> ?::text ->> 'role' = any(?::text[]))", [
        userId,
        rolesWith(right).filter((role) => role !== 'owner'),
      ]);
    });
}

/** Where a page ended: the name by which it is sorted, and `seq` as the tie-breaker. */
export interface ListPosition {
  name: string;
  seq: number;
}

/**
 * One page of the projects that a person owns, or that are shared with the person. Archived ones only with `status: 'archived'`, and
 * those in the trash only with `inTrash`. Returns one more than `limit` if there are more.
 */
export async function listProjects(
  db: Db,
  query: {
    userId: string;
    limit: number;
    sort: ProjectSort;
    after: ListPosition | null;
    search: string | undefined;
    status: ProjectStatus | undefined;
    inTrash: boolean;
  },
): Promise<ProjectRecord[]> {
  const { after, search, status, inTrash } = query;
  const sorted = (builder: QueryBuilder<ProjectModel, ProjectModel[]>) =>
    query.sort === 'name' ? builder.orderByRaw('lower(name), seq desc') : builder.orderBy('seq', 'desc');
  const page = (builder: QueryBuilder<ProjectModel, ProjectModel[]>) =>
    sorted(builder)
      .limit(query.limit + 1)
      .modify(narrow);
  function narrow(builder: QueryBuilder<ProjectModel, ProjectModel[]>): void {
    if (status === undefined) void builder.whereNull('deletedAt');
    else void builder.where({ status });
    // A deleted project is not in the trash any more, wherever it was before.
    if (status !== 'archived') void (inTrash ? builder.whereNotNull('trashedAt') : builder.whereNull('trashedAt'));
    if (search) void builder.where('name', 'ilike', containing(search));
    if (!after) return;
    if (query.sort === 'name') {
      const values = [after.name, after.name, after.seq];
      void builder.whereRaw('(lower(name) > ? or (lower(name) = ? and seq < ?))', values);
    } else void builder.where('seq', '<', after.seq);
  }
  // Each part reads at most one page from its own index. An "or" would sort all projects of the person.
  const rows = await sorted(
    ProjectModel.query(db)
      .with('own', page(ownedBy(db, query.userId)))
      .with('shared', page(sharedWith(db, query.userId)))
      .from(ProjectModel.raw('(select * from own union all select * from shared) as projects')),
  ).limit(query.limit + 1);
  return rows.map((row) => projectRecordSchema.parse(row));
}

const ownedBy = (db: Db, ownerId: string) => ProjectModel.query(db).where({ ownerId });

/** The projects of others that this person sees. The array makes PostgreSQL read them by their ids, however many projects there are. */
const sharedWith = (db: Db, userId: string) =>
  ProjectModel.query(db)
    .whereRaw('id = any(array(select project_id from project_members where user_id = ? and role is not null))', [
      userId,
    ])
    .whereNull('trashedAt');

/** All projects that a person owns, or that are shared with the person, without those that are archived, newest first. */
export async function listUnarchivedProjects(db: Db, userId: string): Promise<ProjectRecord[]> {
  const rows = await ownedBy(db, userId)
    .whereNull('deletedAt')
    .unionAll([sharedWith(db, userId).whereNull('deletedAt')])
    .orderBy('seq', 'desc');
  return rows.map((row) => projectRecordSchema.parse(row));
}

/**
 * The version of every project that these people own, or that is shared with them. Also of those that were archived, or taken from them, in
 * the last hour. `isHidden`: the person does not see it.
 */
export async function listVersions(
  db: Db,
  userIds: string[],
): Promise<{ id: string; userId: string; statusVersion: number; isHidden: boolean }[]> {
  const isRecent = "deleted_at > now() - interval '1 hour'";
  const owned = () =>
    ProjectModel.query(db)
      .select('id', 'ownerId as userId', 'statusVersion', ProjectModel.raw('deleted_at is not null as is_hidden'))
      .whereIn('ownerId', userIds);
  const shared = ProjectModel.query(db)
    .join('project_members as member', 'member.project_id', 'projects.id')
    .select('projects.id', 'member.user_id', 'projects.statusVersion')
    .select(ProjectModel.raw('(deleted_at is not null or trashed_at is not null or member.role is null) as is_hidden'))
    .whereIn('member.user_id', userIds)
    .whereRaw(`(deleted_at is null or ${isRecent})`);
  // Two ranges of one index: an "or" would read all projects that these people have ever deleted.
  const rows = await owned()
    .whereNull('deletedAt')
    .unionAll([owned().whereRaw(isRecent), shared])
    .castTo<{ id: string; userId: string; statusVersion: string; isHidden: boolean }[]>();
  return rows.map((row) => ({ ...row, statusVersion: Number(row.statusVersion) }));
}

/** A page by `seq` of projects whose newest command is pending for `olderThanMs` and has not failed permanently. */
export async function listPendingProjects(
  db: Db,
  options: { olderThanMs: number; afterSeq: number; limit: number },
): Promise<ProjectRecord[]> {
  const rows = await ProjectModel.query(db)
    .whereRaw('observed_generation < generation and failed_generation is distinct from generation')
    .whereRaw("updated_at < now() - ? * interval '1 millisecond'", [options.olderThanMs])
    .where('seq', '>', options.afterSeq)
    .orderBy('seq')
    .limit(options.limit);
  return rows.map((row) => projectRecordSchema.parse(row));
}

/** These projects of any owner and in any state, without those that do not exist. Pass at most a few hundred ids. */
export async function findProjects(db: Db, ids: string[]): Promise<ProjectRecord[]> {
  if (ids.length === 0) return [];
  const rows = await ProjectModel.query(db).whereIn('id', ids);
  return rows.map((row) => projectRecordSchema.parse(row));
}

/** Projects of any owner that run and are ready. */
export async function listReadyProjects(db: Db, { limit }: { limit: number }): Promise<ProjectRecord[]> {
  const rows = await ProjectModel.query(db).where({ status: 'ready', desiredState: 'running' }).limit(limit);
  return rows.map((row) => projectRecordSchema.parse(row));
}

/** A page by `seq` of all projects that are not archived, for the comparison with the cluster. */
export async function listUnarchivedPage(
  db: Db,
  options: { afterSeq: number; limit: number },
): Promise<ProjectRecord[]> {
  const rows = await ProjectModel.query(db)
    .whereNull('deletedAt')
    .where('seq', '>', options.afterSeq)
    .orderBy('seq')
    .limit(options.limit);
  return rows.map((row) => projectRecordSchema.parse(row));
}

/** A change of a project, with the rows that are written in the same statement. */
export interface ProjectChange {
  patch: ProjectPatch;
  /** The line of the timeline. */
  event?: NewProjectEvent | null;
  /** The start that this change finishes. */
  start?: FinishedStart | null;
}

/** The project to change, and the conditions of the change. */
export interface ChangeKey {
  id: string;
  /** The change requires that this person may make it. */
  permit?: Permit;
  /** The change requires that this lease has this epoch. */
  fence?: { lease: string; epoch: number };
  /** The change requires that no newer attempt has begun. */
  attempt?: number | undefined;
  /** The change requires that nobody has used the project since this number was read; see `project-use-repository.ts`. */
  uses?: number | undefined;
}

/**
 * Changes one project by compare-and-set on its version. `changeOf` receives the current record and returns the change, or
 * `null` for no change. It is called again if another writer was faster. The version rises only if a field differs.
 * @returns `null` if there is no such project, if the lease of `fence` has another epoch, or if a newer attempt has begun. `newStart` is the finished start,
 * unless it was written before. A change of the members raises the version, so nobody writes with a role that was taken away.
 * @throws AppError NAME_TAKEN, FORBIDDEN
 */
export async function changeProject(
  db: Database,
  { id, permit, ...conditions }: ChangeKey,
  changeOf: (record: ProjectRecord) => ProjectChange | null,
): Promise<{ record: ProjectRecord; changed: boolean; newStart: FinishedStart | null } | null> {
  let missedVersion: number | null = null;
  for (;;) {
    const record = permit ? await findPermittedProject(db, { id, ...permit }) : await findProject(db, id);
    // The row has the version that our update did not find, so a condition prevented the update.
    if (!record || record.statusVersion === missedVersion) return null;
    if (conditions.attempt !== undefined && record.attempt !== conditions.attempt) return null;
    const change = changeOf(record);
    if (!change || !differs(record, change.patch)) return { record, changed: false, newStart: null };
    const written = await writeChange(db, record, change, conditions);
    if (written) return written;
    missedVersion = record.statusVersion;
  }
}

/** As {@link changeProject}, but only if this person may make the change. */
export function changePermittedProject(
  db: Database,
  { id, userId, right }: { id: string } & Permit,
  changeOf: (record: ProjectRecord) => ProjectChange | null,
): ReturnType<typeof changeProject> {
  return changeProject(db, { id, permit: { userId, right } }, changeOf);
}

/** One statement. Returns `null`, with nothing written, if the row has another version or a condition does not hold. */
async function writeChange(
  db: Database,
  { id, statusVersion }: ProjectRecord,
  { patch, event = null, start = null }: ProjectChange,
  { fence, attempt, uses }: Pick<ChangeKey, 'fence' | 'attempt' | 'uses'>,
): Promise<{ record: ProjectRecord; changed: true; newStart: FinishedStart | null } | null> {
  const update = ProjectModel.query()
    .patch({
      ...patch,
      statusVersion: ProjectModel.raw('status_version + 1'),
      updatedAt: ProjectModel.raw('now()'),
    } as Partial<ProjectModel>)
    .where({ id, statusVersion })
    .returning('*');
  // A new lease holder that has already changed this row has raised its version, which the condition above detects.
  if (fence) void update.whereExists(db('leases').where({ name: fence.lease, epoch: fence.epoch }));
  if (attempt !== undefined) void update.where({ attempt });
  // It waits for a use that is being recorded.
  if (uses !== undefined) void update.whereExists(db('project_use').where({ project_id: id, uses }).forUpdate());
  const statement = ProjectModel.query(db).with('changed', update).from('changed').select('changed.*');
  if (event) void statement.with('event', insertEventOfChanged(db, event));
  if (start) {
    void statement.with('started', insertStartOfChanged(db, start)).select(db.raw('(select id from started) as start'));
  }
  const row = await statement.first().castTo<{ start?: string | null } | undefined>().catch(rethrowTakenName);
  return row ? { record: projectRecordSchema.parse(row), changed: true, newStart: row.start ? start : null } : null;
}

/**
 * Counts the runs of a project that wait for an answer, in a transaction that has locked the row of the project.
 * @returns the project, or `null` if the count and the time of the first one are as before
 */
export async function countWaitingRuns(trx: Transaction, id: string): Promise<ProjectRecord | null> {
  const { rowCount } = await trx.raw<{ rowCount: number }>(
    `update projects
        set waiting_runs = waiting.number, waiting_since = waiting.since, status_version = status_version + 1
       from (
         select count(*)::integer as number, min(waiting_since) as since
           from runs where project_id = ? and ended_at is null and waiting_since is not null
       ) as waiting
      where id = ? and (waiting_runs, waiting_since) is distinct from (waiting.number, waiting.since)`,
    [id, id],
  );
  return rowCount === 0 ? null : await findProject(trx, id);
}

/**
 * Sets how soon an unused project will stop. The time of the last change stays.
 * @returns the project, or `null` if it has changed since `statusVersion`
 */
export async function setIdleCountdown(
  db: Database,
  { id, statusVersion, minutes }: { id: string; statusVersion: number; minutes: number | null },
): Promise<ProjectRecord | null> {
  const row = await ProjectModel.query(db)
    .patch({
      idleStopInMinutes: minutes,
      statusVersion: ProjectModel.raw('status_version + 1'),
    } as Partial<ProjectModel>)
    .where({ id, statusVersion })
    .returning('*')
    .first();
  return row ? projectRecordSchema.parse(row) : null;
}

/**
 * Adds to the time for which projects were observed in the trash. Nobody sees it, so it raises no version.
 * @returns the projects in the trash, without those whose deletion was requested
 */
export async function addTrashSeconds(
  db: Database,
  { seconds, fence }: { seconds: number; fence: { lease: string; epoch: number } },
): Promise<ProjectRecord[]> {
  const rows = await ProjectModel.query(db)
    .patch({ trashSeconds: ProjectModel.raw('trash_seconds + ?', [seconds]) } as unknown as Partial<ProjectModel>)
    .whereNotNull('trashedAt')
    .where('desiredState', 'stopped')
    .whereExists(db('leases').where({ name: fence.lease, epoch: fence.epoch }))
    .returning('*');
  return rows.map((row) => projectRecordSchema.parse(row));
}

/** Whether writing `patch` would change anything. */
export function differs(record: ProjectRecord, patch: ProjectPatch): boolean {
  return Object.entries(patch).some(
    ([field, value]) => !isDeepStrictEqual(value, record[field as keyof ProjectRecord]),
  );
}

function rethrowTakenName(error: unknown): never {
  if (error instanceof UniqueViolationError && error.constraint === 'projects_live_name') {
    const message = 'You already have a project with this name. Choose another name.';
    throw new AppError('NAME_TAKEN', message, { fields: { name: message }, cause: error });
  }
  throw error;
}
