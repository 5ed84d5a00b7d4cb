/** The signed-in person, their personal access tokens and their browser sessions. */

import { z } from 'zod';

import { isoDateTimeSchema } from './fields.ts';

export const userSchema = z.object({
  id: z.string(),
  email: z.string().nullable(),
  name: z.string(),
  picture: z.string().nullable(),
});
export type User = z.infer<typeof userSchema>;

export const accessTokenSchema = z.object({
  id: z.string(),
  name: z.string(),
  createdAt: isoDateTimeSchema,
  expiresAt: isoDateTimeSchema.nullable(),
  lastUsedAt: isoDateTimeSchema.nullable(),
});
export type AccessToken = z.infer<typeof accessTokenSchema>;

const lastTimeMs = Date.UTC(9999, 11, 31);

export const createTokenInputSchema = z.strictObject({
  name: z
    .string()
    .trim()
    .min(1, 'Enter a name.')
    .max(100, 'Use at most 100 characters.')
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'Remove the control characters.'), // PostgreSQL takes no half of a character
  expiresAt: isoDateTimeSchema
    .refine((text) => Date.parse(text) > Date.now(), 'Choose a time in the future.')
    // A year has four digits wherever it is read again, and PostgreSQL rounds up.
    .refine((text) => Date.parse(text) < lastTimeMs, 'Choose a time before the end of the year 9999.')
    .nullish(),
});

/** `token` is shown this once: only its hash is stored. */
export const createdTokenSchema = accessTokenSchema.extend({ token: z.string() });

export const tokenIdInputSchema = z.strictObject({ id: z.uuid('This is not a token id: it should look like a UUID.') });

/** Of the user agent only `device` is told, in words of ours such as "Chrome on Linux". */
export const sessionSchema = z.object({
  id: z.string(),
  device: z.string(),
  createdAt: isoDateTimeSchema,
  /** To the minute. */
  lastUsedAt: isoDateTimeSchema,
  expiresAt: isoDateTimeSchema,
  /** Whether this is the session of the one who asks. */
  isCurrent: z.boolean(),
});
export type Session = z.infer<typeof sessionSchema>;

export const sessionIdInputSchema = z.strictObject({
  id: z.uuid('This is not a session id: it should look like a UUID.'),
});

/** The sessions that the call has ended. */
export const revokedSessionsSchema = z.object({ ids: z.array(z.string()) });
export type RevokedSessions = z.infer<typeof revokedSessionsSchema>;
