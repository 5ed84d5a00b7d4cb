/** The signed-in person and their personal access tokens. */
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

export const createTokenInputSchema = z.strictObject({
  name: z
    .string()
    .trim()
    .min(1, 'Enter a name.')
    .max(100, 'Use at most 100 characters.')
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'Remove the control characters.'), // PostgreSQL takes no half of a character
  expiresAt: isoDateTimeSchema
    .refine((text) => Date.parse(text) > Date.now(), 'Choose a time in the future.')
    .nullish(),
});

/** `token` is shown this once: only its hash is stored. */
export const createdTokenSchema = accessTokenSchema.extend({ token: z.string() });

export const tokenIdInputSchema = z.strictObject({ id: z.uuid('This is not a token id: it should look like a UUID.') });
