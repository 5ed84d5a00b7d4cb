/** The session cookie: a signed JWT that names a session row. It proves nothing by itself: the row decides. */

import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';

import type { CookieJar } from './cookies.ts';
import { deriveKey } from './keys.ts';

const sessionCookieName = 'opencode-session';
const signedOutCookieName = 'opencode-signed-out';
/** Longer than the issuers' own sessions last, by which a sign-in goes through without a question. */
const signedOutMemorySeconds = 30 * 24 * 60 * 60;
const audience = 'opencode-session';
const claimsSchema = z.object({ sid: z.uuid() });

export interface SessionCookie {
  /** The headers that sign the browser in. */
  issue(session: { id: string; expiresAt: Date }): Promise<string[]>;
  /** The headers that remove the cookie, and remember that the person wanted that. */
  clear(): string[];
  /** Whether the person signed out in this browser: then the issuer must ask again who they are. */
  hasSignedOut(cookieHeader: string | undefined): boolean;
  /** The session id in a request's cookies, or `null` where there is none that we have signed. */
  read(cookieHeader: string | undefined): Promise<string | null>;
}

export function createSessionCookie({
  jar,
  secret,
  now,
}: {
  jar: CookieJar;
  secret: string;
  now: () => number;
}): SessionCookie {
  const key = deriveKey(secret, 'session-cookie');
  return {
    async issue({ id, expiresAt }) {
      const token = await new SignJWT({ sid: id })
        .setProtectedHeader({ alg: 'HS256' })
        .setAudience(audience)
        .setIssuedAt(Math.floor(now() / 1000))
        .setExpirationTime(expiresAt)
        .sign(key);
      const maxAgeSeconds = Math.max(1, Math.floor((expiresAt.getTime() - now()) / 1000));
      return [
        jar.set(sessionCookieName, token, { maxAgeSeconds }),
        jar.set(signedOutCookieName, '', { maxAgeSeconds: 0 }),
      ];
    },
    clear: () => [
      jar.set(sessionCookieName, '', { maxAgeSeconds: 0 }),
      jar.set(signedOutCookieName, '1', { maxAgeSeconds: signedOutMemorySeconds }),
    ],
    hasSignedOut: (cookieHeader) => jar.parse(cookieHeader).has(jar.nameOf(signedOutCookieName)),
    async read(cookieHeader) {
      const token = jar.parse(cookieHeader).get(jar.nameOf(sessionCookieName));
      if (token === undefined || token === '') return null;
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: ['HS256'],
          audience,
          requiredClaims: ['exp'],
          currentDate: new Date(now()),
        });
        return claimsSchema.parse(payload).sid;
      } catch (error) {
        if (error instanceof errors.JOSEError || error instanceof z.ZodError) return null; // forged or expired
        throw error;
      }
    },
  };
}
