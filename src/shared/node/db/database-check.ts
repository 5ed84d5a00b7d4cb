/** Whether the database takes changes: the check behind `/readyz`. */

import { recentFullDisk, type Database } from './database.ts';
import { outageOf } from './outage.ts';

/**
 * Changes no row. PostgreSQL still checks, before it looks for rows, that it may write at all, that the tables exist, and that
 * the role may change them.
 */
const changeNothing = `
  with people as (update users set name = name where false), started as (update sessions set user_id = user_id where false)
  update projects set name = name where false`;

/** @throws the error of pg or knex if the database does not answer or refuses changes */
export async function checkDatabase(db: Database): Promise<void> {
  await db.raw(changeNothing);
  const fullDisk = recentFullDisk(db);
  if (fullDisk) throw fullDisk;
}

/** A sentence for the public about a failed check. It contains no address. */
export function databaseProblem(error: unknown): string {
  return outageOf(error)?.message ?? 'The database does not answer right now. Try again in a few seconds.';
}
