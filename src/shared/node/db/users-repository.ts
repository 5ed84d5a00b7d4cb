/** People, as the issuer names them. */

import type { Transaction } from 'objection';

import type { User } from '../../contract/account.ts';
import type { Database } from './database.ts';
import { UserModel } from './models.ts';

type Db = Database | Transaction;

/** What the issuer says of a person at sign-in. */
export interface Identity {
  subject: string;
  email: string | null;
  name: string;
  picture: string | null;
}

/** Creates the person at the first sign-in, updates them at each later one. */
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
 * The person whom an access token of the issuer names: created at first use, like at a first sign-in. What the token does
 * not say stays as it is, and nothing is written where it says nothing new.
 * @param said.nameAtFirst what to call them as long as nobody has said their name
 */
export async function recogniseUser(
  db: Db,
  said: Omit<Identity, 'name'> & { name: string | null; nameAtFirst: string },
): Promise<User> {
  const { subject, nameAtFirst, ...rest } = said;
  const known = await UserModel.query(db).findOne({ oidcSubject: subject });
  const news = Object.entries(rest).filter(
    ([field, value]) => value !== null && value !== known?.[field as keyof User],
  );
  if (known && news.length === 0) return toUser(known);
  const row = await UserModel.query(db)
    .insert({ oidcSubject: subject, ...rest, name: nameAtFirst })
    .onConflict('oidc_subject')
    .merge({ oidcSubject: subject, ...Object.fromEntries(news) })
    .returning('*');
  return toUser(row);
}

export function toUser(row: Pick<UserModel, 'id' | 'email' | 'name' | 'picture'>): User {
  return { id: row.id, email: row.email, name: row.name, picture: row.picture };
}
