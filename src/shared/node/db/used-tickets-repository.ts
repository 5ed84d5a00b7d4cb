/** The tickets that were used. A ticket that the database does not know may be used; one that expired is refused before. */

import type { Database } from './database.ts';

/** Much longer than a ticket is valid, so that clocks that differ do not let a used ticket in again. */
const rememberHours = 24;

/** @returns `false` when the ticket was used before, by whichever gateway */
export async function redeemTicket(db: Database, id: string): Promise<boolean> {
  const rows = await db('used_tickets')
    .insert({ id, expires_at: db.raw(`now() + interval '${rememberHours} hours'`) })
    .onConflict('id')
    .ignore()
    .returning<{ id: string }[]>('id');
  return rows.length === 1;
}

/** Deletes tickets that nobody can use any more, at most `limit`. */
export async function pruneUsedTickets(db: Database, limit = 10_000): Promise<void> {
  await db('used_tickets')
    .whereIn('id', db('used_tickets').select('id').whereRaw('expires_at < now()').limit(limit))
    .delete();
}
