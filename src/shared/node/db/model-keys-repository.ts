/** The model keys of people, encrypted. Nothing here ever sees a key. */

import type { Transaction } from 'objection';

import type { Database } from './database.ts';

type Db = Database | Transaction;

export interface StoredModelKey {
  provider: string;
  encrypted: string;
  lastFour: string;
  createdAt: Date;
}

/** The keys of one person: at most one for each provider. */
export async function listModelKeys(db: Db, userId: string): Promise<StoredModelKey[]> {
  const columns = ['provider', 'encrypted', 'lastFour', 'createdAt'] as const;
  return await db<StoredModelKey & { userId: string }>('model_keys')
    .where({ userId })
    .select(...columns)
    .limit(1_000);
}

export async function findModelKey(db: Db, place: { userId: string; provider: string }): Promise<string | null> {
  const row = await db<{ encrypted: string }>('model_keys').where(place).first('encrypted');
  return row?.encrypted ?? null;
}

/** Replaces the key that the person has for the provider. */
export async function storeModelKey(
  db: Db,
  key: { userId: string; provider: string; encrypted: string; lastFour: string },
): Promise<void> {
  await db('model_keys')
    .insert({ ...key, createdAt: db.raw('now()') })
    .onConflict(['userId', 'provider'])
    .merge();
}

/** Deleting twice has no further effect. */
export async function deleteModelKey(db: Db, place: { userId: string; provider: string }): Promise<void> {
  await db('model_keys').where(place).delete();
}

/** Replaces the encryption of a key, unless the person has replaced or deleted the key meanwhile. */
export async function renewModelKey(
  db: Db,
  place: { userId: string; provider: string },
  { known, renewed }: { known: string; renewed: string },
): Promise<void> {
  await db('model_keys')
    .where({ ...place, encrypted: known })
    .update({ encrypted: renewed });
}
