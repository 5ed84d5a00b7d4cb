/** Browser sessions: the cookie names a row here, so that ending the row ends the session everywhere. */
import type { Transaction } from 'objection';

import type { User } from '../../contract/account.ts';
import type { Database } from './database.ts';
import { SessionModel } from './models.ts';
import { toUser } from './users-repository.ts';

type Db = Database | Transaction;

export interface Session {
  id: string;
  user: User;
  expiresAt: Date;
}

export async function insertSession(
  db: Db,
  session: { userId: string; userAgent: string | null; ttlMs: number },
): Promise<{ id: string; expiresAt: Date }> {
  const row = await SessionModel.query(db)
    .insert({
      userId: session.userId,
      userAgent: session.userAgent,
      expiresAt: SessionModel.raw("now() + ? * interval '1 millisecond'", [session.ttlMs]),
    } as unknown as Partial<SessionModel>) // objection types no raw value for a date column
    .returning(['id', 'expiresAt']);
  return { id: row.id, expiresAt: row.expiresAt };
}

/** The session with its person, unless it was revoked or has expired. */
export async function findSession(db: Db, id: string): Promise<Session | null> {
  const row = await SessionModel.query(db)
    .alias('session')
    .join('users', 'users.id', 'session.user_id')
    .select('users.id', 'users.email', 'users.name', 'users.picture', 'session.expires_at')
    .where('session.id', id)
    .whereNull('session.revoked_at')
    .whereRaw('session.expires_at > now()')
    .first()
    .castTo<(User & { expiresAt: Date }) | undefined>();
  return row ? { id, user: toUser(row), expiresAt: row.expiresAt } : null;
}

/** Ends the session. Ending it twice is harmless. */
export async function revokeSession(db: Db, id: string): Promise<void> {
  await SessionModel.query(db)
    .where({ id })
    .whereNull('revokedAt')
    .patch({ revokedAt: SessionModel.raw('now()') } as unknown as Partial<SessionModel>); // as above
}

/** Those of these sessions that are neither revoked nor expired. */
export async function listLiveSessionIds(db: Db, ids: string[]): Promise<string[]> {
  const rows = await SessionModel.query(db)
    .select('id')
    .whereIn('id', ids)
    .whereNull('revokedAt')
    .whereRaw('expires_at > now()');
  return rows.map((row) => row.id);
}
