/** Users. A user is an issuer and a subject: the same subject of another issuer is another user. */

import type { Transaction } from 'objection';
import { z } from 'zod';

import {
  projectDefaultsSchema,
  type ChangeDefaultsInput,
  type ProjectDefaults,
  type User,
} from '../../contract/account.ts';
import type { Database } from './database.ts';
import { UserModel } from './models.ts';

type Db = Database | Transaction;

/** What the issuer says about a person at sign-in. */
export interface Identity {
  /** The issuer under which its people are stored (`identityIssuer` of the configuration). */
  issuer: string;
  subject: string;
  email: string | null;
  /** Whether the issuer has confirmed the address. */
  emailVerified?: boolean;
  name: string;
  picture: string | null;
  /** The group of administrators that the person is in. Only a sign-in in a browser says it. */
  adminGroup?: string | null;
}

/** Creates the user at the first sign-in, and updates the user at each later sign-in. */
export async function upsertUser(db: Db, identity: Identity): Promise<User> {
  const { issuer, subject, ...said } = identity;
  const rest = { emailVerified: false, ...said };
  const row = await UserModel.query(db)
    .insert({ oidcIssuer: issuer, oidcSubject: subject, ...rest })
    .onConflict(['oidc_issuer', 'oidc_subject'])
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
  claims: Omit<Identity, 'name' | 'emailVerified' | 'adminGroup'> & {
    name: string | null;
    fallbackName: string;
    emailVerified?: boolean | null;
  },
): Promise<User> {
  const { issuer, subject, fallbackName, ...rest } = claims;
  const key = { oidcIssuer: issuer, oidcSubject: subject };
  const known = await UserModel.query(db).findOne(key);
  const isOtherAddress = rest.email !== null && rest.email !== known?.email;
  const emailVerified = claims.emailVerified ?? (isOtherAddress ? false : null);
  const changes = Object.entries({ ...rest, emailVerified }).filter(
    ([field, value]) => value !== null && value !== known?.[field as keyof UserModel],
  );
  if (known && changes.length === 0) return toUser(known);
  const row = await UserModel.query(db)
    .insert({ ...key, ...rest, emailVerified: emailVerified ?? false, name: fallbackName })
    .onConflict(['oidc_issuer', 'oidc_subject'])
    .merge({ ...key, ...Object.fromEntries(changes) })
    .returning('*');
  return toUser(row);
}

/**
 * Gives the issuer of this installation to the users from before migration 0013, which are stored without one. All of them at
 * once: later, the installation may have another issuer, whose people must not get these rows.
 * @returns how many there were
 */
export async function assignIssuer(db: Db, issuer: string): Promise<number> {
  const isMissing = await UserModel.query(db).whereNull('oidcIssuer').select('id').first();
  if (!isMissing) return 0; // no write: the database may be read-only right now
  return UserModel.query(db).whereNull('oidcIssuer').patch({ oidcIssuer: issuer });
}

/** The other issuers whose users are stored, if this issuer has none yet. */
export async function findFormerIssuers(db: Db, issuer: string): Promise<string[]> {
  const rows = await UserModel.query(db).distinct('oidcIssuer').whereNotNull('oidcIssuer').limit(10);
  const issuers = rows.flatMap(({ oidcIssuer }) => oidcIssuer ?? []);
  return issuers.includes(issuer) ? [] : issuers;
}

/** Up to two people of this issuer whose confirmed address is this one, in upper or lower case. */
export async function findUsersByEmail(db: Db, { issuer, email }: { issuer: string; email: string }): Promise<User[]> {
  const rows = await UserModel.query(db)
    .whereRaw('lower(email) = lower(?) and email_verified', [email])
    .where({ oidcIssuer: issuer })
    .limit(2);
  return rows.map(toUser);
}

const storedDefaultsSchema = z.object({
  size: projectDefaultsSchema.shape.size.catch(null),
  idleStop: projectDefaultsSchema.shape.idleStop.catch('default'),
  aiReview: projectDefaultsSchema.shape.aiReview.catch(false),
});

/** What the person has chosen for new projects. */
export async function readProjectDefaults(db: Db, userId: string): Promise<ProjectDefaults> {
  const row = await UserModel.query(db).findById(userId).select('projectDefaults');
  return storedDefaultsSchema.parse(row?.projectDefaults ?? {});
}

/** Two changes at the same time both count, because the database merges them. */
export async function changeProjectDefaults(db: Db, userId: string, change: ChangeDefaultsInput): Promise<void> {
  await db.raw('update users set project_defaults = project_defaults || ?::jsonb where id = ?', [
    JSON.stringify(change),
    userId,
  ]);
}

export function toUser(row: Pick<UserModel, 'id' | 'email' | 'name' | 'picture'>): User {
  return { id: row.id, email: row.email, name: row.name, picture: row.picture };
}
