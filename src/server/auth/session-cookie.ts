/** The session cookie: a signed JWT that names a session row. The row decides whether the session is valid. */

import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';

import type { Clock } from '../../shared/clock.ts';
import { deriveKey } from '../../shared/node/derive-key.ts';
import type { CookieJar } from './cookies.ts';

const sessionCookieName = 'opencode-session';
const signedOutCookieName = 'opencode-signed-out';
/** Longer than the issuer's own session lasts, which would sign the person in again without a question. */
const signedOutMemorySeconds = 30 * 24 * 60 * 60;
const audience = 'opencode-session';
const claimsSchema = z.object({ sid: z.uuid() });

export interface SessionCookie {
  /** The headers that sign the browser in. */
  issue(session: { id: string; expiresAt: Date }): Promise<string[]>;
  /** The headers that remove the cookie and record that the person signed out. */
  clear(): string[];
  /** Whether the person signed out in this browser. Then the issuer must authenticate them again. */
  hasSignedOut(cookieHeader: string | undefined): boolean;
  /** The session id in a request's cookies, or `null` if there is none with our signature. */
  read(cookieHeader: string | undefined): Promise<string | null>;
}

export function createSessionCookie({
  jar,
  secret,
  clock,
}: {
  jar: CookieJar;
  secret: string;
  clock: Clock;
}): SessionCookie {
  const key = deriveKey(secret, 'session-cookie');
  return {
    async issue({ id, expiresAt }) {
      const token = await new SignJWT({ sid: id })
        .setProtectedHeader({ alg: 'HS256' })
        .setAudience(audience)
        .setIssuedAt(Math.floor(clock.now() / 1000))
        .setExpirationTime(expiresAt)
        .sign(key);
      const maxAgeSeconds = Math.max(1, Math.floor((expiresAt.getTime() - clock.now()) / 1000));
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
          currentDate: new Date(clock.now()),
        });
        return claimsSchema.parse(payload).sid;
      } catch (error) {
        if (error instanceof errors.JOSEError || error instanceof z.ZodError) return null; // forged or expired
        throw error;
      }
    },
  };
}
