/**
 * The people with whom a project is shared. {@link changeMember} is the only writer: it writes the table, and the map in the row of the
 * project, in one transaction. That raises the version of the project, so open pages learn it like any other change.
 */

import { AppError } from '../../contract/errors.ts';
import { maxMembers, type MemberMap, type ProjectMembers } from '../../contract/members.ts';
import type { MemberRole } from '../../contract/roles.ts';
import { projectCan } from '../../contract/states.ts';
import type { Permit } from '../project-access.ts';
import type { Database } from './database.ts';
import { UserModel } from './models.ts';
import type { NewProjectEvent } from './project-events-repository.ts';
import type { ProjectRecord } from './project-record.ts';
import { changePermittedProject, findPermittedProject } from './projects-repository.ts';

interface MemberRow {
  userId: string;
  role: MemberRole | null;
}

/** The role that a person is to have; `null`: none any more. */
interface MemberChange extends MemberRow {
  /** The person must be a member already. */
  mustBeMember?: boolean;
  event: NewProjectEvent;
}

/**
 * Gives a person another role, or none. Nothing happens if the person has this role.
 * @returns `null` if the project does not exist for the caller
 * @throws AppError FORBIDDEN; ILLEGAL_STATE; NOT_FOUND if `mustBeMember` and the person is none; QUOTA_EXCEEDED
 */
export async function changeMember(
  db: Database,
  key: { id: string } & Permit,
  { userId, role, mustBeMember = false, event }: MemberChange,
): Promise<{ record: ProjectRecord; changed: boolean } | null> {
  return await db.transaction(async (trx) => {
    // Changes of the members of one project follow each other.
    await trx.raw('select 1 from projects where id = ? for update', [key.id]);
    const record = await findPermittedProject(trx, key);
    if (!record) return null;
    const rows = await trx('project_members').where({ projectId: key.id }).select<MemberRow[]>('userId', 'role');
    const before = rows.find((row) => row.userId === userId)?.role ?? null;
    if (mustBeMember && before === null) throw notMember();
    if (before === role) return { record, changed: false };
    if (role !== null && before === null) requireRoom(record, rows);
    await forgetRemoved(trx, key.id);
    await trx('project_members')
      .insert({ projectId: key.id, userId, role })
      .onConflict(['project_id', 'user_id'])
      .merge({
        role,
        changedAt: trx.fn.now(),
        ...(before === null ? { createdAt: trx.fn.now() } : {}),
      });
    const members = await readMap(trx, record);
    return await changePermittedProject(trx, key, () => ({ patch: { members }, event }));
  });
}

function requireRoom(record: ProjectRecord, rows: MemberRow[]): void {
  const permission = projectCan('update', record);
  if (permission.kind === 'no') throw new AppError('ILLEGAL_STATE', permission.message);
  if (rows.filter(({ role }) => role !== null).length < maxMembers) return;
  const message = `The project is shared with ${maxMembers} people, which is the limit. Remove somebody first.`;
  throw new AppError('QUOTA_EXCEEDED', message);
}

/** Every page has learned by now that they were removed, or reads the database when it connects again. */
async function forgetRemoved(db: Database, projectId: string): Promise<void> {
  await db('project_members')
    .where({ projectId })
    .whereNull('role')
    .whereRaw("changed_at < now() - interval '1 hour'")
    .delete();
}

async function readMap(db: Database, { id, ownerId }: ProjectRecord): Promise<MemberMap> {
  const owner = await UserModel.query(db).findById(ownerId);
  const rows = await db('project_members').where({ projectId: id }).select<MemberRow[]>('userId', 'role');
  return Object.fromEntries(rows.map(({ userId, role }) => [userId, { role, sharedBy: owner?.name ?? '' }]));
}

/** The owner and the members, in the order in which they were added. The caller has checked who asks. */
export async function listMembers(
  db: Database,
  { id, ownerId }: Pick<ProjectRecord, 'id' | 'ownerId'>,
): Promise<ProjectMembers> {
  const owner = await UserModel.query(db).findById(ownerId);
  const rows = await db('project_members as member')
    .join('users', 'users.id', 'member.user_id')
    .where({ 'member.project_id': id })
    .whereNotNull('member.role')
    .orderBy(['member.created_at', 'member.user_id'])
    .select<{ userId: string; name: string; email: string | null; role: MemberRole; createdAt: Date }[]>(
      'member.userId',
      'users.name',
      'users.email',
      'member.role',
      'member.createdAt',
    );
  return {
    owner: { userId: ownerId, name: owner?.name ?? '', email: owner?.email ?? null },
    members: rows.map(({ createdAt, ...member }) => ({ ...member, since: createdAt.toISOString() })),
  };
}

function notMember(): AppError {
  const message = 'The project is not shared with this person any more. Look at the list of members again.';
  return new AppError('NOT_FOUND', message);
}
