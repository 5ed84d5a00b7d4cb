/**
 * The state of a sign-in while the person is at the issuer, kept in an encrypted cookie. The cookie is named after `state`, so
 * several tabs can sign in at once. Only the browser that started a sign-in can finish it.
 */

import { createHash } from 'node:crypto';

import { EncryptJWT, errors, jwtDecrypt } from 'jose';
import { z } from 'zod';

import type { Clock } from '../../shared/clock.ts';
import { deriveKey } from '../../shared/node/derive-key.ts';
import { loginTtlMs } from '../limits.ts';
import type { CookieJar } from './cookies.ts';

const cookiePrefix = 'opencode-login-';
/** Concurrent sign-ins of one browser. Older ones are removed, because the size of headers is limited. */
const maxPending = 8;

const loginSchema = z.object({ state: z.string(), nonce: z.string(), codeVerifier: z.string(), returnTo: z.string() });
export type PendingLogin = z.infer<typeof loginSchema>;

export interface LoginCookie {
  /** The headers that store this sign-in. */
  issue(login: PendingLogin, cookieHeader: string | undefined): Promise<string[]>;
  /** The header that removes it: a callback works once. */
  clear(state: string): string;
  /** The sign-in that this browser started with this `state`, or `null`. */
  read(state: string, cookieHeader: string | undefined): Promise<PendingLogin | null>;
}

function baseOf(state: string): string {
  return cookiePrefix + createHash('sha256').update(state).digest('base64url').slice(0, 16);
}

export function createLoginCookie({
  jar,
  secret,
  clock,
}: {
  jar: CookieJar;
  secret: string;
  clock: Clock;
}): LoginCookie {
  const key = deriveKey(secret, 'login-cookie');

  return {
    async issue(login, cookieHeader) {
      const value = await new EncryptJWT(login)
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .setExpirationTime(new Date(clock.now() + loginTtlMs))
        .encrypt(key);
      const prefix = jar.nameOf(cookiePrefix);
      const pending = [...jar.parse(cookieHeader).keys()].filter((name) => name.startsWith(prefix));
      const tooMany = pending.slice(0, Math.max(0, pending.length + 1 - maxPending));
      const bases = tooMany.map((name) => cookiePrefix + name.slice(prefix.length));
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
          currentDate: new Date(clock.now()),
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
