/** Browser sessions. The cookie names a row, so revoking the row ends the session on every server. */

import type { Transaction } from 'objection';

import type { User } from '../../contract/account.ts';
import type { Database } from './database.ts';
import { SessionModel } from './models.ts';
import { toUser } from './users-repository.ts';

type Db = Database | Transaction;

interface Session {
  id: string;
  user: User;
  expiresAt: Date;
  /** The last recorded use is more than a minute old. */
  needsUseRecorded: boolean;
}

/** A session as its owner sees it. */
interface ListedSession {
  id: string;
  userAgent: string | null;
  createdAt: string;
  lastUsedAt: string;
  expiresAt: string;
}

const lastUseIsOld = "last_used_at < now() - interval '1 minute'";

export async function insertSession(
  db: Db,
  session: { userId: string; userAgent: string | null; ttlMs: number },
): Promise<{ id: string; expiresAt: Date }> {
  const row = await SessionModel.query(db)
    .insert({
      userId: session.userId,
      userAgent: session.userAgent,
      expiresAt: SessionModel.raw("now() + ? * interval '1 millisecond'", [session.ttlMs]),
    } as unknown as Partial<SessionModel>) // objection's types do not allow a raw value for a date column
    .returning(['id', 'expiresAt']);
  return { id: row.id, expiresAt: row.expiresAt };
}

/** The session with its user, or `null` if it was revoked or has expired. */
export async function findSession(db: Db, id: string): Promise<Session | null> {
  const row = await SessionModel.query(db)
    .alias('session')
    .join('users', 'users.id', 'session.user_id')
    .select('users.id', 'users.email', 'users.name', 'users.picture', 'session.expires_at')
    .select(SessionModel.raw(`session.${lastUseIsOld} as needs_use_recorded`))
    .where('session.id', id)
    .whereNull('session.revoked_at')
    .whereRaw('session.expires_at > now()')
    .first()
    .castTo<(User & { expiresAt: Date; needsUseRecorded: boolean }) | undefined>();
  return row ? { id, user: toUser(row), expiresAt: row.expiresAt, needsUseRecorded: row.needsUseRecorded } : null;
}

/** Records that these sessions are in use: each at most once a minute, however many callers there are. */
export async function recordSessionUse(db: Db, ids: string[]): Promise<void> {
  await SessionModel.query(db)
    .whereIn('id', ids)
    .whereRaw(lastUseIsOld)
    .patch({ lastUsedAt: SessionModel.raw('now()') } as unknown as Partial<SessionModel>); // as above
}

/** The user's sessions that are neither revoked nor expired, the most recently used one first. */
export async function listSessions(db: Db, userId: string): Promise<ListedSession[]> {
  const rows = await SessionModel.query(db)
    .where({ userId })
    .whereNull('revokedAt')
    .whereRaw('expires_at > now()')
    .orderBy([
      { column: 'lastUsedAt', order: 'desc' },
      { column: 'createdAt', order: 'desc' },
    ]);
  return rows.map((row) => ({
    id: row.id,
    userAgent: row.userAgent,
    createdAt: row.createdAt.toISOString(),
    lastUsedAt: row.lastUsedAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
  }));
}

/** Revokes the user's session; `false` if the user has no session with this id. Revoking twice has no further effect. */
export async function revokeOwnSession(db: Db, key: { id: string; userId: string }): Promise<boolean> {
  const count = await SessionModel.query(db)
    .where(key)
    .patch({ revokedAt: SessionModel.raw('coalesce(revoked_at, now())') } as unknown as Partial<SessionModel>);
  return count > 0;
}

/** Revokes all live sessions of the user except `exceptId`; returns the ids of the revoked sessions. */
export async function revokeSessionsOf(
  db: Db,
  { userId, exceptId }: { userId: string; exceptId: string | null },
): Promise<string[]> {
  const query = SessionModel.query(db).where({ userId }).whereNull('revokedAt').whereRaw('expires_at > now()');
  if (exceptId !== null) query.whereNot({ id: exceptId });
  const rows = await query
    .patch({ revokedAt: SessionModel.raw('now()') } as unknown as Partial<SessionModel>)
    .returning('id');
  return rows.map((row) => row.id);
}

/** Revokes the session. Revoking twice has no further effect. */
export async function revokeSession(db: Db, id: string): Promise<void> {
  await SessionModel.query(db)
    .where({ id })
    .whereNull('revokedAt')
    .patch({ revokedAt: SessionModel.raw('now()') } as unknown as Partial<SessionModel>); // as above
}

/** The ids of these sessions that are neither revoked nor expired. */
export async function listLiveSessionIds(db: Db, ids: string[]): Promise<string[]> {
  const rows = await SessionModel.query(db)
    .select('id')
    .whereIn('id', ids)
    .whereNull('revokedAt')
    .whereRaw('expires_at > now()');
  return rows.map((row) => row.id);
}
