/** The model providers that a person's projects can use now. */

import type { Database } from '../db/database.ts';
import { listModelKeys } from '../db/model-keys-repository.ts';
import { readModelCatalogue, type PublishedProvider } from './model-catalogue.ts';

/** Those for which the installation or the person has a key. */
export async function listUsableProviders(db: Database, userId: string): Promise<PublishedProvider[]> {
  const catalogue = await readModelCatalogue(db);
  if (catalogue === null) return [];
  const own = new Set((await listModelKeys(db, userId)).map(({ provider }) => provider));
  return catalogue.providers.filter(({ id, hasInstallationKey }) => hasInstallationKey || own.has(id));
}
