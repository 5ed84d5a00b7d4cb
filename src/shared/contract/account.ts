/** The signed-in user, their personal access tokens and their browser sessions. */

import { z } from 'zod';

import { isoDateTimeSchema } from './fields.ts';
import { idleStops } from './idle-stop.ts';
import { sizeNameSchema } from './sizes.ts';

export const userSchema = z.object({
  id: z.string(),
  email: z.string().nullable(),
  name: z.string(),
  picture: z.string().nullable(),
});
export type User = z.infer<typeof userSchema>;

export const meSchema = userSchema.extend({ isAdministrator: z.boolean() });
export type Me = z.infer<typeof meSchema>;

/** What a person wants for new projects that say nothing else. */
export const projectDefaultsSchema = z.strictObject({
  /** `null`: the default size of the installation. */
  size: sizeNameSchema.nullable(),
  idleStop: z.enum(idleStops),
  aiReview: z.boolean(),
});
export type ProjectDefaults = z.infer<typeof projectDefaultsSchema>;
/** What is left out stays as it is. */
export const changeDefaultsInputSchema = projectDefaultsSchema.partial();
export type ChangeDefaultsInput = z.infer<typeof changeDefaultsInputSchema>;

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
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'Remove the control characters.'), // PostgreSQL cannot store an unpaired surrogate
  expiresAt: isoDateTimeSchema
    .refine((text) => Date.parse(text) > Date.now(), 'Choose a time in the future.')
    // Later years would not have four digits, and PostgreSQL may round a time up to the next year.
    .refine((text) => Date.parse(text) < lastTimeMs, 'Choose a time before the end of the year 9999.')
    .nullish(),
});

/** `token` is returned only once: the database stores only its hash. */
export const createdTokenSchema = accessTokenSchema.extend({ token: z.string() });

export const tokenIdInputSchema = z.strictObject({ id: z.uuid('This is not a token id: it should look like a UUID.') });

export const sessionSchema = z.object({
  id: z.string(),
  /** Derived from the user agent, for example "Chrome on Linux". */
  device: z.string(),
  createdAt: isoDateTimeSchema,
  /** Accurate to the minute. */
  lastUsedAt: isoDateTimeSchema,
  expiresAt: isoDateTimeSchema,
  /** Whether this is the session of the caller. */
  isCurrent: z.boolean(),
});
export type Session = z.infer<typeof sessionSchema>;

export const sessionIdInputSchema = z.strictObject({
  id: z.uuid('This is not a session id: it should look like a UUID.'),
});

/** The sessions that the call ended. */
export const revokedSessionsSchema = z.object({ ids: z.array(z.string()) });
export type RevokedSessions = z.infer<typeof revokedSessionsSchema>;
