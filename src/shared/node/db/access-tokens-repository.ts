/** Personal access tokens. The database holds their hashes alone. */

import { createHash, randomBytes } from 'node:crypto';

import type { Transaction } from 'objection';

import type { AccessToken, User } from '../../contract/account.ts';
import type { Database } from './database.ts';
import { AccessTokenModel } from './models.ts';
import { toUser } from './users-repository.ts';

type Db = Database | Transaction;

/** A recognisable beginning lets scanners find a leaked token, and the server tell it from the issuer's. */
export const accessTokenPrefix = 'ocpm_';

/** Creates a token; the returned `token` (256 random bits) exists nowhere else. */
export async function insertAccessToken(
  db: Db,
  token: { userId: string; name: string; expiresAt: string | null },
): Promise<AccessToken & { token: string }> {
  const secret = accessTokenPrefix + randomBytes(32).toString('base64url');
  const row = await AccessTokenModel.query(db)
    .insert({
      userId: token.userId,
      name: token.name,
      tokenHash: hash(secret),
      expiresAt: token.expiresAt === null ? null : new Date(token.expiresAt),
    })
    .returning('*');
  return { ...toAccessToken(row), token: secret };
}

export async function listAccessTokens(db: Db, userId: string): Promise<AccessToken[]> {
  const rows = await AccessTokenModel.query(db).where({ userId }).whereNull('revokedAt').orderBy('createdAt', 'desc');
  return rows.map(toAccessToken);
}

/** Revokes the person's token; `null` where they have none of this id. Revoking twice is harmless. */
export async function revokeAccessToken(db: Db, key: { id: string; userId: string }): Promise<AccessToken | null> {
  const row = await AccessTokenModel.query(db)
    .where(key)
    .patch({ revokedAt: AccessTokenModel.raw('coalesce(revoked_at, now())') } as unknown as Partial<AccessTokenModel>)
    .returning('*')
    .first();
  return row ? toAccessToken(row) : null;
}

/** The person whose token this is, unless it was revoked or has expired. Notes its use, at most once a minute. */
export async function findUserByAccessToken(
  db: Db,
  secret: string,
): Promise<{ user: User; tokenId: string; expiresAt: Date | null } | null> {
  const row = await AccessTokenModel.query(db)
    .alias('token')
    .join('users', 'users.id', 'token.user_id')
    .select('users.id', 'users.email', 'users.name', 'users.picture', 'token.expires_at', 'token.id as tokenId')
    .select(
      AccessTokenModel.raw(
        "(token.last_used_at is null or token.last_used_at < now() - interval '1 minute') as use_is_news",
      ),
    )
    .where('token.token_hash', hash(secret))
    .whereNull('token.revoked_at')
    .whereRaw('(token.expires_at is null or token.expires_at > now())')
    .first()
    .castTo<(User & { expiresAt: Date | null; tokenId: string; useIsNews: boolean }) | undefined>();
  if (!row) return null;
  if (row.useIsNews) {
    await AccessTokenModel.query(db)
      .where({ id: row.tokenId })
      .patch({ lastUsedAt: AccessTokenModel.raw('now()') } as unknown as Partial<AccessTokenModel>);
  }
  return { user: toUser(row), tokenId: row.tokenId, expiresAt: row.expiresAt };
}

/** Those of these tokens that are neither revoked nor expired. */
export async function listLiveAccessTokenIds(db: Db, ids: string[]): Promise<string[]> {
  const rows = await AccessTokenModel.query(db)
    .select('id')
    .whereIn('id', ids)
    .whereNull('revokedAt')
    .whereRaw('(expires_at is null or expires_at > now())');
  return rows.map((row) => row.id);
}

function toAccessToken(row: AccessTokenModel): AccessToken {
  return {
    id: row.id,
    name: row.name,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt?.toISOString() ?? null,
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
  };
}

// No salt and no slow hash: the secret has 256 random bits, so there is nothing to guess.
function hash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
