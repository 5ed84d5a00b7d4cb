/** Users, identified by the issuer's subject. */

import type { Transaction } from 'objection';

import type { User } from '../../contract/account.ts';
import type { Database } from './database.ts';
import { UserModel } from './models.ts';

type Db = Database | Transaction;

/** What the issuer says about a person at sign-in. */
export interface Identity {
  subject: string;
  email: string | null;
  name: string;
  picture: string | null;
}

/** Creates the user at the first sign-in, and updates the user at each later sign-in. */
export async function upsertUser(db: Db, identity: Identity): Promise<User> {
  const { subject, ...rest } = identity;
  const row = await UserModel.query(db)
    .insert({ oidcSubject: subject, ...rest })
    .onConflict('oidc_subject')
    .merge({ ...rest, lastLoginAt: UserModel.raw('now()') } as Partial<UserModel>)
    .returning('*');
  return toUser(row);
}

/**
 * The user whom an access token of the issuer names. The first use creates the user, like a first sign-in. Claims that the
 * token lacks stay unchanged, and nothing is written if no claim differs.
 * @param claims.fallbackName the name to store for a new user whose token has no name
 */
export async function findOrCreateUser(
  db: Db,
  claims: Omit<Identity, 'name'> & { name: string | null; fallbackName: string },
): Promise<User> {
  const { subject, fallbackName, ...rest } = claims;
  const known = await UserModel.query(db).findOne({ oidcSubject: subject });
  const changes = Object.entries(rest).filter(
    ([field, value]) => value !== null && value !== known?.[field as keyof User],
  );
  if (known && changes.length === 0) return toUser(known);
  const row = await UserModel.query(db)
    .insert({ oidcSubject: subject, ...rest, name: fallbackName })
    .onConflict('oidc_subject')
    .merge({ oidcSubject: subject, ...Object.fromEntries(changes) })
    .returning('*');
  return toUser(row);
}

export function toUser(row: Pick<UserModel, 'id' | 'email' | 'name' | 'picture'>): User {
  return { id: row.id, email: row.email, name: row.name, picture: row.picture };
}
