/** Who asks: from the session cookie of a browser, or from a bearer token. Never throws. */
import type { User } from '../../shared/contract/account.ts';
import { AppError } from '../../shared/contract/errors.ts';
import { accessTokenPrefix, findUserByAccessToken } from '../../shared/node/db/access-tokens-repository.ts';
import type { Database } from '../../shared/node/db/database.ts';
import { findSession } from '../../shared/node/db/sessions-repository.ts';
import type { Log } from '../../shared/node/log.ts';
import { toAppError } from '../error-shape.ts';
import type { SessionCookie } from './session-cookie.ts';

/** What the caller is known by: it can be revoked, and then everything open under it ends. */
export interface Credential {
  kind: 'session' | 'token';
  id: string;
  expiresAt: Date | null;
}

export type Identity =
  | { user: User; credential: Credential; refusal: null }
  | { user: null; credential: null; refusal: AppError | null };

export interface Identify {
  fromHeaders(headers: { authorization?: string | undefined; cookie?: string | undefined }): Promise<Identity>;
  fromToken(token: string): Promise<Identity>;
}

/** The token of a request that brings one. */
export function bearerOf({ authorization }: { authorization?: string | undefined }): string | null {
  return /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? null;
}

const nobody: Identity = { user: null, credential: null, refusal: null };

export function createIdentify({
  db,
  sessionCookie,
  log,
}: {
  db: Database;
  sessionCookie: SessionCookie;
  log: Log;
}): Identify {
  async function safely(find: () => Promise<Identity>): Promise<Identity> {
    try {
      return await find();
    } catch (error) {
      const refusal = toAppError(error);
      if (refusal.code === 'INTERNAL') log.error({ err: error }, 'the caller could not be identified');
      return { user: null, credential: null, refusal };
    }
  }

  async function bySession(cookie: string): Promise<Identity> {
    const id = await sessionCookie.read(cookie);
    const session = id === null ? null : await findSession(db, id);
    if (!session) return nobody;
    return {
      user: session.user,
      credential: { kind: 'session', id: session.id, expiresAt: session.expiresAt },
      refusal: null,
    };
  }

  async function byToken(token: string): Promise<Identity> {
    const found = token.startsWith(accessTokenPrefix) ? await findUserByAccessToken(db, token) : null;
    if (!found) {
      const sentence = 'The access token is not valid: it is wrong, was revoked or has expired. Create a new one.';
      return { user: null, credential: null, refusal: new AppError('UNAUTHENTICATED', sentence) };
    }
    return {
      user: found.user,
      credential: { kind: 'token', id: found.tokenId, expiresAt: found.expiresAt },
      refusal: null,
    };
  }

  return {
    fromHeaders: (headers) =>
      safely(async () => {
        const bearer = bearerOf(headers);
        if (bearer !== null) return byToken(bearer);
        return headers.cookie === undefined ? nobody : bySession(headers.cookie);
      }),
    fromToken: (token) => safely(() => byToken(token)),
  };
}
