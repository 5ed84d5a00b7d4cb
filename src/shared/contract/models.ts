/** Model providers, the keys for them, and what their models were used for. */

import { z } from 'zod';

import { isoDateTimeSchema } from './fields.ts';

export const modelProviderIdSchema = z
  .string({ error: 'Name a provider.' })
  .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'This is not the id of a provider: it has lower-case letters, digits and "-".');

/** The API that a provider speaks. */
export const modelProviderKindSchema = z.enum(['anthropic', 'openai', 'openai-compatible']);
export type ModelProviderKind = z.infer<typeof modelProviderKindSchema>;

const dollars = z.number().min(0).max(100_000);

/** US dollars for a million tokens. Without a price of its own, a cached or written token costs as much as any other. */
export const modelPriceSchema = z.strictObject({
  input: dollars,
  output: dollars,
  cachedInput: dollars.optional(),
  cacheWrite: dollars.optional(),
});
export type ModelPrice = z.infer<typeof modelPriceSchema>;

export const modelSchema = z.object({
  id: z.string(),
  name: z.string(),
  price: modelPriceSchema.nullable(),
});

export const modelProviderSchema = z.object({
  id: z.string(),
  name: z.string(),
  kind: modelProviderKindSchema,
  /** What the administrator listed. OpenCode knows the models of the usual providers by itself. */
  models: z.array(modelSchema),
  hasInstallationKey: z.boolean(),
  /** The caller's own key, which is used before that of the installation. `isReadable`: it can still be decrypted. */
  ownKey: z.object({ lastFour: z.string(), createdAt: isoDateTimeSchema, isReadable: z.boolean() }).nullable(),
});
export type ModelProvider = z.infer<typeof modelProviderSchema>;

export const modelProvidersSchema = z.object({
  providers: z.array(modelProviderSchema),
  /** Why nobody can store a key of their own; `null` when everybody can. */
  ownKeysProblem: z.string().nullable(),
  /** What one person may use in a day with keys of the installation; `null`: there is no limit. */
  tokensPerDay: z.number().int().nullable(),
  /** What the caller has used of it today (UTC). */
  tokensToday: z.number().int(),
});
export type ModelProviders = z.infer<typeof modelProvidersSchema>;

export const setModelKeyInputSchema = z.strictObject({
  provider: modelProviderIdSchema,
  key: z
    .string({ error: 'Enter the key.' })
    .trim()
    .min(16, 'This is too short for a key: it has at least 16 characters.')
    .max(500, 'This is too long for a key: it has at most 500 characters.')
    .regex(/^[\x21-\x7e]+$/, 'Remove spaces, line breaks and special characters from the key.'),
});
export type SetModelKeyInput = z.infer<typeof setModelKeyInputSchema>;

export const modelKeyInputSchema = z.strictObject({ provider: modelProviderIdSchema });

export const modelUsageInputSchema = z.strictObject({
  /** The last days, today (UTC) included. */
  days: z.number().int().min(1, 'Use 1 to 90 days.').max(90, 'Use 1 to 90 days.').default(30),
});

/** Tokens of one group. Cached and written tokens are part of the input. */
export const tokenCountsSchema = z.object({
  requests: z.number().int(),
  /** Ended before the provider had said what they used. Their tokens are an estimate. */
  unmeasuredRequests: z.number().int(),
  inputTokens: z.number().int(),
  cachedInputTokens: z.number().int(),
  outputTokens: z.number().int(),
  /** US dollars, of the requests whose price is known; `null` when no price is known. */
  cost: z.number().nullable(),
  /** Requests whose price is not known. */
  unpricedRequests: z.number().int(),
});
export type TokenCounts = z.infer<typeof tokenCountsSchema>;

export const modelUsageSchema = z.object({
  /** The day of the database in UTC, such as `2026-11-28`. */
  today: z.string(),
  total: tokenCountsSchema,
  /** The newest first, without days on which nothing was used. */
  byDay: z.array(tokenCountsSchema.extend({ day: z.string() })),
  /** The largest first, at most 50. */
  byProject: z.array(
    tokenCountsSchema.extend({ projectId: z.string(), projectName: z.string(), isDeleted: z.boolean() }),
  ),
  byModel: z.array(tokenCountsSchema.extend({ provider: z.string(), model: z.string() })),
  /** Of agent runs whose task still exists. */
  byRun: z.array(
    tokenCountsSchema.extend({ runId: z.string(), projectId: z.string(), taskId: z.string(), taskTitle: z.string() }),
  ),
});
export type ModelUsage = z.infer<typeof modelUsageSchema>;
