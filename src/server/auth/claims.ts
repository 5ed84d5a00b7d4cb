/** What the issuer's tokens say about a person. A claim of a wrong type counts as missing. */

import { z } from 'zod';

/** At most 255 characters (OpenID Connect). PostgreSQL cannot store some control characters and lone surrogates. */
const subjectPattern = /^[^\p{Cc}\p{Cs}]{1,255}$/u;

export const claimsSchema = z.object({
  sub: z.string().regex(subjectPattern),
  email: z.string().max(320).optional().catch(undefined),
  email_verified: z.boolean().optional().catch(undefined),
  name: z.string().max(200).optional().catch(undefined),
  preferred_username: z.string().max(200).optional().catch(undefined),
  /** Names only. An issuer that sends something else names no groups. */
  groups: z.array(z.string()).optional().catch(undefined),
  picture: z
    .url({ protocol: /^https?$/ })
    .max(2_048)
    .optional()
    .catch(undefined),
});
export type Claims = z.infer<typeof claimsSchema>;

/** The claims of a person. `name` is `null` if the token has only a user name or an e-mail address. */
export interface PersonClaims {
  subject: string;
  email: string | null;
  /** Whether the issuer has confirmed this address; `null` if the token does not say it. */
  emailVerified: boolean | null;
  name: string | null;
  picture: string | null;
  groups: string[];
  /** The name to store until a token has a real name. */
  fallbackName: string;
}

export function readClaims(claims: Claims): PersonClaims {
  const email = clean(claims.email) ?? null;
  const name = clean(claims.name) ?? null;
  return {
    subject: claims.sub,
    email,
    emailVerified: email === null ? null : (claims.email_verified ?? null),
    name,
    picture: claims.picture ?? null,
    groups: claims.groups ?? [],
    fallbackName: name ?? clean(claims.preferred_username) ?? email ?? claims.sub,
  };
}

/** The claims, and from `more` those that they lack. That an address was confirmed counts only for the address that it was said of. */
export function withMissingClaims(claims: Claims, more: Claims): Claims {
  const present = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
  const isAnotherAddress = claims.email !== undefined && claims.email !== more.email;
  return { ...more, ...(isAnotherAddress ? { email_verified: undefined } : {}), ...present, sub: claims.sub };
}

function clean(text: string | undefined): string | undefined {
  return text?.replace(/\p{Cc}/gu, '').trim() || undefined;
}
