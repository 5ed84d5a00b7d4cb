/** Identifies the caller from the session cookie of a browser or from a bearer token. Never throws. */

import type { User } from '../../shared/contract/account.ts';
import { AppError } from '../../shared/contract/errors.ts';
import { accessTokenPrefix, findUserByAccessToken } from '../../shared/node/db/access-tokens-repository.ts';
import type { Database } from '../../shared/node/db/database.ts';
import { findSession, recordSessionUse } from '../../shared/node/db/sessions-repository.ts';
import { findOrCreateUser } from '../../shared/node/db/users-repository.ts';
import type { Log } from '../../shared/node/log.ts';
import { toAppError } from '../error-shape.ts';
import type { IssuerTokens } from './issuer-tokens.ts';
import type { SessionCookie } from './session-cookie.ts';

/** What identifies the caller. When it is revoked, the sockets that use it are closed. */
export interface Credential {
  kind: 'session' | 'token' | 'issuer-token';
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

/** The bearer token of a request, or `null`. */
export function bearerOf({ authorization }: { authorization?: string | undefined }): string | null {
  return /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? null;
}

/** A JWT has three parts with dots between them; personal access tokens have no dots. */
function looksLikeJwt(token: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token);
}

const anonymous: Identity = { user: null, credential: null, refusal: null };

export function createIdentify({
  db,
  sessionCookie,
  issuerTokens,
  identityIssuer,
  log,
}: {
  db: Database;
  sessionCookie: SessionCookie;
  issuerTokens: IssuerTokens;
  identityIssuer: string;
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

  const recording = new Set<string>();
  /** Runs in the background. If it fails, the next request records the use. */
  function recordUse(id: string): void {
    if (recording.has(id)) return;
    recording.add(id);
    void recordSessionUse(db, [id])
      .catch((error: unknown) => log.debug({ error: String(error) }, 'the use of a session could not be recorded'))
      .finally(() => recording.delete(id));
  }

  async function bySession(cookie: string): Promise<Identity> {
    const id = await sessionCookie.read(cookie);
    const session = id === null ? null : await findSession(db, id);
    if (!session) return anonymous;
    if (session.needsUseRecorded) recordUse(session.id);
    return {
      user: session.user,
      credential: { kind: 'session', id: session.id, expiresAt: session.expiresAt },
      refusal: null,
    };
  }

  async function byToken(token: string): Promise<Identity> {
    if (looksLikeJwt(token)) return byIssuerToken(token);
    const found = token.startsWith(accessTokenPrefix) ? await findUserByAccessToken(db, token) : null;
    if (!found) {
      const message = 'The access token is not valid: it is wrong, was revoked or has expired. Create a new one.';
      throw new AppError('UNAUTHENTICATED', message);
    }
    return {
      user: found.user,
      credential: { kind: 'token', id: found.tokenId, expiresAt: found.expiresAt },
      refusal: null,
    };
  }

  async function byIssuerToken(token: string): Promise<Identity> {
    const { person, id, expiresAt } = await issuerTokens.verify(token);
    const { groups: _, ...claims } = person;
    const user = await findOrCreateUser(db, { ...claims, issuer: identityIssuer });
    return { user, credential: { kind: 'issuer-token', id, expiresAt }, refusal: null };
  }

  return {
    fromHeaders: (headers) =>
      safely(async () => {
        const bearer = bearerOf(headers);
        if (bearer !== null) return byToken(bearer);
        return headers.cookie === undefined ? anonymous : bySession(headers.cookie);
      }),
    fromToken: (token) => safely(() => byToken(token)),
  };
}
