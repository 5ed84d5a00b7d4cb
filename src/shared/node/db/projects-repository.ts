/** Reads and writes of `projects`. Every change goes through {@link changeProject}: the one place where versions rise. */

import { isDeepStrictEqual } from 'node:util';

import { UniqueViolationError, type Transaction } from 'objection';

import { initialProgress } from '../../contract/diagnosis.ts';
import { AppError } from '../../contract/errors.ts';
import { projectJobAttempts } from '../../contract/jobs.ts';
import type { ProjectSort } from '../../contract/project.ts';
import type { ProjectStatus } from '../../contract/states.ts';
import { statusMessages } from '../../contract/status-messages.ts';
import type { Database } from './database.ts';
import { ProjectModel, UserModel } from './models.ts';
import { eventOfChanged, type NewProjectEvent } from './project-events-repository.ts';
import { projectRecordSchema, type ProjectRecord } from './project-record.ts';
import { startOfChanged, type FinishedStart } from './project-starts-repository.ts';

type Db = Database | Transaction;

export type ProjectPatch = Partial<
  Omit<ProjectRecord, 'id' | 'seq' | 'ownerId' | 'idempotencyKey' | 'statusVersion' | 'createdAt' | 'updatedAt'>
>;

export interface NewProject {
  id: string;
  ownerId: string;
  idempotencyKey: string | null;
  name: string;
  description: string;
  repoUrl: string | null;
  namespace: string;
  podName: string;
  workspacePvcName: string;
}

/**
 * Adds a project within its owner's quota. A repeated `idempotencyKey` returns the project that the first one made.
 * @throws AppError NAME_TAKEN, QUOTA_EXCEEDED
 */
export async function insertProject(
  db: Transaction,
  project: NewProject,
  options: { maxProjects: number },
): Promise<{ record: ProjectRecord; created: boolean }> {
  // The owner's row is the lock under which projects are counted: two creates at once cannot both be the last one.
  await UserModel.query(db).findById(project.ownerId).forUpdate();
  if (project.idempotencyKey !== null) {
    const made = await ProjectModel.query(db).findOne({
      ownerId: project.ownerId,
      idempotencyKey: project.idempotencyKey,
    });
    if (made) return { record: projectRecordSchema.parse(made), created: false };
  }
  const live = await ProjectModel.query(db)
    .where({ ownerId: project.ownerId })
    .whereNot('desiredState', 'deleted')
    .resultSize();
  if (live >= options.maxProjects) {
    throw new AppError(
      'QUOTA_EXCEEDED',
      `You have ${live} of at most ${options.maxProjects} projects. Delete one before you create another.`,
    );
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

/** The project, of whatever owner and state, or `null`. */
export async function findProject(db: Db, id: string): Promise<ProjectRecord | null> {
  const row = await ProjectModel.query(db).findById(id);
  return row ? projectRecordSchema.parse(row) : null;
}

/** The owner's project in whatever state, or `null`: another's project and none look the same. */
export async function findOwnedProject(db: Db, key: { id: string; ownerId: string }): Promise<ProjectRecord | null> {
  const row = await ProjectModel.query(db).findOne({ id: key.id, ownerId: key.ownerId });
  return row ? projectRecordSchema.parse(row) : null;
}

/** Where a page ended: the sort's own value, and `seq` as the tie-breaker. */
export interface ListPosition {
  name: string;
  seq: number;
}

/** One page of the owner's projects; archived ones only when asked for by status. Returns one more than `limit` if there is more. */
export async function listProjects(
  db: Db,
  query: {
    ownerId: string;
    limit: number;
    sort: ProjectSort;
    after: ListPosition | null;
    search: string | undefined;
    status: ProjectStatus | undefined;
  },
): Promise<ProjectRecord[]> {
  const { after, search, status } = query;
  const rows = await ProjectModel.query(db)
    .where({ ownerId: query.ownerId })
    .modify((builder) => {
      if (status === undefined) void builder.whereNull('deletedAt');
      else void builder.where({ status });
      if (search) void builder.where('name', 'ilike', `%${search.replace(/[\\%_]/g, '\\$&')}%`);
      if (query.sort === 'name') {
        void builder.orderByRaw('lower(name), seq desc');
        if (after) {
          void builder.whereRaw('(lower(name) > ? or (lower(name) = ? and seq < ?))', [
            after.name,
            after.name,
            after.seq,
          ]);
        }
      } else {
        void builder.orderBy('seq', 'desc');
        if (after) void builder.where('seq', '<', after.seq);
      }
    })
    .limit(query.limit + 1);
  return rows.map((row) => projectRecordSchema.parse(row));
}

/** All that an owner's screen may show: everything not archived, newest first. */
export async function listUnarchivedProjects(db: Db, ownerId: string): Promise<ProjectRecord[]> {
  const rows = await ProjectModel.query(db).where({ ownerId }).whereNull('deletedAt').orderBy('seq', 'desc');
  return rows.map((row) => projectRecordSchema.parse(row));
}

/** The version of every project of these owners, the archived of the last hour included. */
export async function listVersions(
  db: Db,
  ownerIds: string[],
): Promise<{ id: string; ownerId: string; statusVersion: number; archived: boolean }[]> {
  const ofOwners = () =>
    ProjectModel.query(db)
      .select('id', 'ownerId', 'statusVersion', ProjectModel.raw('deleted_at is not null as archived'))
      .whereIn('ownerId', ownerIds);
  // Two ranges of one index: an "or" would read all that these owners have ever deleted.
  const rows = await ofOwners()
    .whereNull('deletedAt')
    .unionAll([ofOwners().whereRaw("deleted_at > now() - interval '1 hour'")])
    .castTo<{ id: string; ownerId: string; statusVersion: string; archived: boolean }[]>();
  return rows.map((row) => ({ ...row, statusVersion: Number(row.statusVersion) }));
}

/** A page by `seq` of the projects whose last wish the cluster has not been told for `olderThanMs`, and that are not parked. */
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

/** These projects, of whatever owner and state; those that do not exist are missing. At most some hundred ids at once. */
export async function findProjects(db: Db, ids: string[]): Promise<ProjectRecord[]> {
  if (ids.length === 0) return [];
  const rows = await ProjectModel.query(db).whereIn('id', ids);
  return rows.map((row) => projectRecordSchema.parse(row));
}

/** Every project that is not archived, in pages by `seq`, for the comparison with the cluster. */
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

/** A change of a project, and what is written with it or not at all. */
export interface ProjectChange {
  patch: ProjectPatch;
  /** Its line of the timeline. */
  event?: NewProjectEvent | null;
  /** The start that comes to its end by it. */
  start?: FinishedStart | null;
}

/** The project that a change is about, and who may make it. */
export interface ChangeKey {
  id: string;
  /** When given: another's project and none look the same. */
  ownerId?: string;
  /** When given: the change is written only while this lease has this epoch. */
  fence?: { lease: string; epoch: number };
}

/**
 * Changes one project by compare and set on its version: `changeOf` sees the record as it is and returns what to write, or
 * `null` to leave it; it is asked again whenever somebody else was faster. The version rises if and only if something really
 * differs.
 * @returns `null` where there is no such project, or a change was to be written and the fence has fallen; `newStart`: the
 * start that came to its end, unless that was written before
 * @throws AppError NAME_TAKEN
 */
export async function changeProject(
  db: Database,
  { id, ownerId, fence }: ChangeKey,
  changeOf: (record: ProjectRecord) => ProjectChange | null,
): Promise<{ record: ProjectRecord; changed: boolean; newStart: FinishedStart | null } | null> {
  let missedVersion: number | null = null;
  for (;;) {
    const record = ownerId === undefined ? await findProject(db, id) : await findOwnedProject(db, { id, ownerId });
    // Nobody else has changed the row since our change found no row to write to, so it was the fence.
    if (!record || record.statusVersion === missedVersion) return null;
    const change = changeOf(record);
    if (!change || !differs(record, change.patch)) return { record, changed: false, newStart: null };
    const written = await writeChange(db, record, change, fence);
    if (written) return written;
    missedVersion = record.statusVersion;
  }
}

/** As {@link changeProject}, for a person: another's project and none look the same. */
export function changeOwnedProject(
  db: Database,
  key: { id: string; ownerId: string },
  changeOf: (record: ProjectRecord) => ProjectChange | null,
): ReturnType<typeof changeProject> {
  return changeProject(db, key, changeOf);
}

/** One statement. Returns `null`, and has written nothing, when the row is no longer this record, or the fence has fallen. */
async function writeChange(
  db: Database,
  { id, statusVersion }: ProjectRecord,
  { patch, event = null, start = null }: ProjectChange,
  fence: ChangeKey['fence'],
): Promise<{ record: ProjectRecord; changed: true; newStart: FinishedStart | null } | null> {
  const update = ProjectModel.query()
    .patch({
      ...patch,
      statusVersion: ProjectModel.raw('status_version + 1'),
      updatedAt: ProjectModel.raw('now()'),
    } as Partial<ProjectModel>)
    .where({ id, statusVersion })
    .returning('*');
  // Whoever has taken the lease meanwhile and written here has made another version, which the statement finds by itself.
  if (fence) void update.whereExists(db('leases').where({ name: fence.lease, epoch: fence.epoch }));
  const statement = ProjectModel.query(db).with('changed', update).from('changed').select('changed.*');
  if (event) void statement.with('noted', eventOfChanged(db, event));
  if (start) {
    void statement.with('started', startOfChanged(db, start)).select(db.raw('(select id from started) as start'));
  }
  const row = await statement.first().castTo<{ start?: string | null } | undefined>().catch(rethrowTakenName);
  return row ? { record: projectRecordSchema.parse(row), changed: true, newStart: row.start ? start : null } : null;
}

/** Whether writing `patch` would change anything. */
export function differs(record: ProjectRecord, patch: ProjectPatch): boolean {
  return Object.entries(patch).some(
    ([field, value]) => !isDeepStrictEqual(value, record[field as keyof ProjectRecord]),
  );
}

function rethrowTakenName(error: unknown): never {
  if (error instanceof UniqueViolationError && error.constraint === 'projects_live_name') {
    const message = 'You already have a project of this name. Choose another.';
    throw new AppError('NAME_TAKEN', message, { fields: { name: message }, cause: error });
  }
  throw error;
}
