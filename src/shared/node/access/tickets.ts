/**
 * Tickets let a signed-in person enter the origin of a project. The server issues one, the gateway redeems it once and
 * sets a cookie for that origin. Both are JWTs signed with keys derived from SESSION_SECRET.
 */

import { randomUUID } from 'node:crypto';

import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';

import type { Clock } from '../../clock.ts';
import { deriveKey } from '../derive-key.ts';

/** Who enters which project: a session or a personal access token, and the project. */
export interface Entry {
  credential: { kind: 'session' | 'token'; id: string };
  userId: string;
  projectId: string;
}

/** How long a ticket is valid. */
export const ticketLifetimeSeconds = 30;

const claimsSchema = z.object({
  kind: z.enum(['session', 'token']),
  cid: z.string(),
  sub: z.uuid(),
  project: z.uuid(),
  jti: z.uuid(),
});

/** The key of tickets and workspace cookies, which differs from that of the session cookies. */
export function entryKey(sessionSecret: string): Uint8Array {
  return deriveKey(sessionSecret, 'project-entry');
}

type TokenKind = 'ticket' | 'workspace-cookie';

export interface EntryTokens {
  /** @param lifetimeSeconds from now */
  sign(kind: TokenKind, entry: Entry, lifetimeSeconds: number): Promise<string>;
  /** @returns `null` for a token that is forged, expired, of another kind or for another project; `id` is unique per token */
  verify(kind: TokenKind, token: string, projectId: string): Promise<(Entry & { id: string }) | null>;
}

export function createEntryTokens({ key, clock }: { key: Uint8Array; clock: Clock }): EntryTokens {
  return {
    sign(kind, { credential, userId, projectId }, lifetimeSeconds) {
      const issuedAt = Math.floor(clock.now() / 1_000);
      return new SignJWT({ kind: credential.kind, cid: credential.id, project: projectId })
        .setProtectedHeader({ alg: 'HS256' })
        .setAudience(`opencode-${kind}`)
        .setSubject(userId)
        .setJti(randomUUID())
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + lifetimeSeconds)
        .sign(key);
    },
    async verify(kind, token, projectId) {
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: ['HS256'],
          audience: `opencode-${kind}`,
          requiredClaims: ['exp'],
          currentDate: new Date(clock.now()),
        });
        const claims = claimsSchema.parse(payload);
        if (claims.project !== projectId) return null;
        return { credential: { kind: claims.kind, id: claims.cid }, userId: claims.sub, projectId, id: claims.jti };
      } catch (error) {
        if (error instanceof errors.JOSEError || error instanceof z.ZodError) return null;
        throw error;
      }
    },
  };
}
