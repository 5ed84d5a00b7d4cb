/** All people and all projects, for administrators. */

import type { AdminProject, AdminUsage } from '../../contract/admin.ts';
import type { Database } from './database.ts';
import { containing } from './like-pattern.ts';

/** What decides whether a person is an administrator. */
export interface AdministratorFacts {
  email: string | null;
  emailVerified: boolean;
  /** The group of administrators that the issuer named at the last sign-in. */
  adminGroup: string | null;
}

export async function readAdministratorFacts(db: Database, userId: string): Promise<AdministratorFacts | null> {
  const row = await db<AdministratorFacts & { id: string }>('users')
    .where({ id: userId })
    .first('email', 'emailVerified', 'adminGroup');
  return row ?? null;
}

/** The person is in no group of administrators until the next sign-in. */
export async function forgetAdminGroup(db: Database, userId: string): Promise<void> {
  await db('users').where({ id: userId }).update({ adminGroup: null });
}

export interface ListedPerson extends AdministratorFacts {
  id: string;
  name: string;
  lastSignInAt: string;
  projects: number;
  runningProjects: number;
  sessions: number;
  accessTokens: number;
}

interface PersonRow extends AdministratorFacts {
  id: string;
  name: string;
  lastLoginAt: Date;
  projects: string;
  runningProjects: string;
  sessions: string;
  accessTokens: string;
}

/** By name. `after`: the last person of the page before. */
export async function listPeople(
  db: Database,
  { search, after, limit }: { search: string; after: { name: string; id: string } | null; limit: number },
): Promise<ListedPerson[]> {
  const countOf = (table: string, where: string) => db.raw(`(select count(*) from ${table} x where ${where})`);
  const alive = 'x.owner_id = users.id and x.deleted_at is null';
  const query = db('users')
    .select('id', 'name', 'email', 'emailVerified', 'adminGroup', 'lastLoginAt')
    .select({
      projects: countOf('projects', alive),
      runningProjects: countOf('projects', `${alive} and x.desired_state = 'running'`),
      sessions: countOf('sessions', 'x.user_id = users.id and x.revoked_at is null and x.expires_at > now()'),
      accessTokens: countOf(
        'access_tokens',
        'x.user_id = users.id and x.revoked_at is null and (x.expires_at is null or x.expires_at > now())',
      ),
    })
    .orderByRaw('lower(name), id')
    .limit(limit);
  if (search !== '') {
    const pattern = containing(search);
    void query.where((either) => void either.whereILike('name', pattern).orWhereILike('email', pattern));
  }
  if (after) void query.whereRaw('(lower(name), id) > (lower(?), ?::uuid)', [after.name, after.id]);
  const rows = (await query) as PersonRow[]; // the columns above
  return rows.map(({ lastLoginAt, ...row }) => ({
    ...row,
    lastSignInAt: lastLoginAt.toISOString(),
    projects: Number(row.projects),
    runningProjects: Number(row.runningProjects),
    sessions: Number(row.sessions),
    accessTokens: Number(row.accessTokens),
  }));
}

/** A project that is not deleted, as administrators see it. */
export interface ListedProject extends AdminProject {
  seq: string;
}

/** The newest first. `before`: the `seq` of the last project of the page before. */
export async function listAllProjects(
  db: Database,
  query: { search: string; status: string | null; before: string | null; limit: number },
): Promise<ListedProject[]> {
  const statement = db('projects')
    .join('users', 'users.id', 'projects.owner_id')
    .whereNull('projects.deleted_at')
    .select('projects.id', 'projects.seq', 'projects.name', 'projects.status', 'projects.desired_state')
    .select('projects.size', 'projects.created_at', 'projects.pod_name')
    .select({ ownerName: 'users.name', ownerEmail: 'users.email' })
    .orderBy('projects.seq', 'desc')
    .limit(query.limit);
  if (query.search !== '') {
    const pattern = containing(query.search);
    void statement.where(
      (either) =>
        void either
          .whereILike('projects.name', pattern)
          .orWhereILike('users.name', pattern)
          .orWhereILike('users.email', pattern)
          .orWhereILike('projects.pod_name', pattern),
    );
  }
  if (query.status !== null) void statement.where('projects.status', query.status);
  if (query.before !== null) void statement.where('projects.seq', '<', query.before);
  const rows = (await statement) as (Omit<ListedProject, 'createdAt'> & { createdAt: Date })[]; // the columns above
  return rows.map((row) => ({ ...row, createdAt: row.createdAt.toISOString() }));
}

/** How many people there are, and how many projects are in each state. */
export async function countEverything(db: Database): Promise<Pick<AdminUsage, 'people' | 'projects'>> {
  const [people] = await db('users').count<{ count: string }[]>({ count: '*' });
  const { rows } = await db.raw<{ rows: { status: AdminProject['status']; count: string }[] }>(
    'select status, count(*) from projects where deleted_at is null group by status order by status',
  );
  return {
    people: Number(people?.count ?? 0),
    projects: rows.map(({ status, count }) => ({ status, count: Number(count) })),
  };
}
