/**
 * What the gateway publishes about the providers, so that server and worker need neither its files nor its keys. It is one value in
 * the row of the installation, and contains no key.
 */

import { z } from 'zod';

import { modelPriceSchema, modelProviderIdSchema, modelProviderKindSchema } from '../../contract/models.ts';
import type { Database } from '../db/database.ts';

const publishedModelSchema = z.object({
  id: z.string(),
  name: z.string(),
  contextTokens: z.number().int(),
  outputTokens: z.number().int(),
  price: modelPriceSchema.nullable(),
});

export const publishedProviderSchema = z.object({
  id: modelProviderIdSchema,
  name: z.string(),
  kind: modelProviderKindSchema,
  models: z.array(publishedModelSchema),
  hasInstallationKey: z.boolean(),
});
export type PublishedProvider = z.infer<typeof publishedProviderSchema>;

export const modelCatalogueSchema = z.object({
  providers: z.array(publishedProviderSchema),
  tokensPerDay: z.number().int().nullable(),
});
export type ModelCatalogue = z.infer<typeof modelCatalogueSchema>;

/** `null` when no gateway has published anything, or when another version has published what this one cannot read. */
export async function readModelCatalogue(db: Database): Promise<ModelCatalogue | null> {
  const row = await db<{ modelCatalogue: unknown }>('installation').first('modelCatalogue');
  return modelCatalogueSchema
    .nullable()
    .catch(null)
    .parse(row?.modelCatalogue ?? null);
}

/** Writes only what has changed. */
export async function publishModelCatalogue(db: Database, catalogue: ModelCatalogue): Promise<void> {
  const text = JSON.stringify(catalogue);
  await db('installation')
    .whereRaw('model_catalogue is distinct from ?::jsonb', [text])
    .update({ modelCatalogue: text });
}
