/**
 * What the server must remember between sending a person to the issuer and their return: in an encrypted cookie of the
 * browser that left, named after `state`, so that several tabs can sign in at once and another browser cannot finish.
 */

import { createHash } from 'node:crypto';

import { EncryptJWT, errors, jwtDecrypt } from 'jose';
import { z } from 'zod';

import { loginTtlMs } from '../limits.ts';
import type { CookieJar } from './cookies.ts';
import { deriveKey } from './keys.ts';

const cookiePrefix = 'opencode-login-';
/** Sign-ins that one browser may have under way; older ones are forgotten, for headers have a limit. */
const maxPending = 8;

const loginSchema = z.object({ state: z.string(), nonce: z.string(), codeVerifier: z.string(), returnTo: z.string() });
export type PendingLogin = z.infer<typeof loginSchema>;

export interface LoginCookie {
  /** The headers that remember this sign-in. */
  issue(login: PendingLogin, cookieHeader: string | undefined): Promise<string[]>;
  /** The header that forgets it: a callback works once. */
  clear(state: string): string;
  /** The sign-in that was begun in this browser with this `state`, or `null`. */
  read(state: string, cookieHeader: string | undefined): Promise<PendingLogin | null>;
}

function baseOf(state: string): string {
  return cookiePrefix + createHash('sha256').update(state).digest('base64url').slice(0, 16);
}

export function createLoginCookie({
  jar,
  secret,
  now,
}: {
  jar: CookieJar;
  secret: string;
  now: () => number;
}): LoginCookie {
  const key = deriveKey(secret, 'login-cookie');

  return {
    async issue(login, cookieHeader) {
      const value = await new EncryptJWT(login)
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .setExpirationTime(new Date(now() + loginTtlMs))
        .encrypt(key);
      const prefix = jar.nameOf(cookiePrefix);
      const pending = [...jar.parse(cookieHeader).keys()].filter((name) => name.startsWith(prefix));
      const forgotten = pending.slice(0, Math.max(0, pending.length + 1 - maxPending));
      const bases = forgotten.map((name) => cookiePrefix + name.slice(prefix.length));
      return [
        ...bases.map((base) => jar.set(base, '', { maxAgeSeconds: 0 })),
        jar.set(baseOf(login.state), value, { maxAgeSeconds: loginTtlMs / 1000 }),
      ];
    },
    clear: (state) => jar.set(baseOf(state), '', { maxAgeSeconds: 0 }),
    async read(state, cookieHeader) {
      const value = jar.parse(cookieHeader).get(jar.nameOf(baseOf(state)));
      if (value === undefined || value === '') return null;
      try {
        const { payload } = await jwtDecrypt(value, key, {
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
          requiredClaims: ['exp'],
          currentDate: new Date(now()),
        });
        const login = loginSchema.parse(payload);
        return login.state === state ? login : null;
      } catch (error) {
        if (error instanceof errors.JOSEError || error instanceof z.ZodError) return null; // forged or expired
        throw error;
      }
    },
  };
}
