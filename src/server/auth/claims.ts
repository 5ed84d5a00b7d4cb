/** What a token of the issuer says about a person: what is missing or of a wrong type counts as not said. */

import { z } from 'zod';

/** At most 255 characters, as OpenID Connect has it. Control characters and halves of characters cannot be kept as sent. */
const subjectPattern = /^[^\p{Cc}\p{Cs}]{1,255}$/u;

export const claimsSchema = z.object({
  sub: z.string().regex(subjectPattern),
  email: z.string().max(320).optional().catch(undefined),
  name: z.string().max(200).optional().catch(undefined),
  preferred_username: z.string().max(200).optional().catch(undefined),
  picture: z
    .url({ protocol: /^https?$/ })
    .max(2_048)
    .optional()
    .catch(undefined),
});
export type Claims = z.infer<typeof claimsSchema>;

/** The person in our words. `name` is null where only a user name or an address could stand in for it. */
export interface SaidOfPerson {
  subject: string;
  email: string | null;
  name: string | null;
  picture: string | null;
  /** What to call them as long as nobody has said their name. */
  nameAtFirst: string;
}

export function readClaims(claims: Claims): SaidOfPerson {
  const email = clean(claims.email) ?? null;
  const name = clean(claims.name) ?? null;
  return {
    subject: claims.sub,
    email,
    name,
    picture: claims.picture ?? null,
    nameAtFirst: name ?? clean(claims.preferred_username) ?? email ?? claims.sub,
  };
}

function clean(text: string | undefined): string | undefined {
  return text?.replace(/\p{Cc}/gu, '').trim() || undefined;
}
