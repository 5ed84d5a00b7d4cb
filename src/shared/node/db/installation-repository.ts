/** The id of this installation. */

import type { Database } from './database.ts';

/** The id that distinguishes this installation from all others. It lives as long as the database. */
export async function readInstallationId(db: Database): Promise<string> {
  const row = await db<{ id: string }>('installation').first('id');
  if (!row) throw new Error('The table "installation" is empty. Restore it from a backup of this database.');
  return row.id;
}
