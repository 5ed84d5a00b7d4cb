/** Personal access tokens. The database stores only their hashes. */

import { createHash, randomBytes } from 'node:crypto';

import type { Transaction } from 'objection';

import type { AccessToken, User } from '../../contract/account.ts';
import type { Database } from './database.ts';
import { AccessTokenModel } from './models.ts';
import { toUser } from './users-repository.ts';

type Db = Database | Transaction;

/** With this prefix, secret scanners find leaked tokens, and the server distinguishes them from the issuer's tokens. */
export const accessTokenPrefix = 'ocpm_';

/** Creates a token. The returned `token` (256 random bits) is not stored anywhere. */
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

/** Revokes the user's token; `null` if the user has no token with this id. Revoking twice has no further effect. */
export async function revokeAccessToken(db: Db, key: { id: string; userId: string }): Promise<AccessToken | null> {
  const row = await AccessTokenModel.query(db)
    .where(key)
    .patch({ revokedAt: AccessTokenModel.raw('coalesce(revoked_at, now())') } as unknown as Partial<AccessTokenModel>)
    .returning('*')
    .first();
  return row ? toAccessToken(row) : null;
}

/** Revokes all live tokens of the user. Returns their ids. */
export async function revokeAccessTokensOf(db: Db, userId: string): Promise<string[]> {
  const rows = await AccessTokenModel.query(db)
    .where({ userId })
    .whereNull('revokedAt')
    .whereRaw('(expires_at is null or expires_at > now())')
    .patch({ revokedAt: AccessTokenModel.raw('now()') } as unknown as Partial<AccessTokenModel>)
    .returning('id');
  return rows.map((row) => row.id);
}

/** The user of this token, or `null` if it was revoked or has expired. Records its use at most once a minute. */
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
        "(token.last_used_at is null or token.last_used_at < now() - interval '1 minute') as needs_use_recorded",
      ),
    )
    .where('token.token_hash', hash(secret))
    .whereNull('token.revoked_at')
    .whereRaw('(token.expires_at is null or token.expires_at > now())')
    .first()
    .castTo<(User & { expiresAt: Date | null; tokenId: string; needsUseRecorded: boolean }) | undefined>();
  if (!row) return null;
  if (row.needsUseRecorded) {
    await AccessTokenModel.query(db)
      .where({ id: row.tokenId })
      .patch({ lastUsedAt: AccessTokenModel.raw('now()') } as unknown as Partial<AccessTokenModel>);
  }
  return { user: toUser(row), tokenId: row.tokenId, expiresAt: row.expiresAt };
}

/** The ids of these tokens that are neither revoked nor expired. */
export async function listLiveAccessTokenIds(db: Db, ids: string[]): Promise<string[]> {
  const rows = await AccessTokenModel.query(db)
    .select('id')
    .whereIn('id', ids)
    .whereNull('revokedAt')
    .whereRaw('(expires_at is null or expires_at > now())');
  return rows.map((row) => row.id);
}

/** The owner of this token, or `null` if it was revoked or has expired. */
export async function findOwnerOfLiveToken(db: Db, id: string): Promise<string | null> {
  const row = await AccessTokenModel.query(db)
    .select('userId')
    .where({ id })
    .whereNull('revokedAt')
    .whereRaw('(expires_at is null or expires_at > now())')
    .first();
  return row?.userId ?? null;
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

// No salt and no slow hash are needed: the secret has 256 random bits, so it cannot be guessed.
function hash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
