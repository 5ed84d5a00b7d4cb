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

export function toUser(row: Pick<UserModel, 'id' | 'email' | 'name' | 'picture'>): User {
  return { id: row.id, email: row.email, name: row.name, picture: row.picture };
}
