/** Reads the whole database, so that a test can compare it before and after. */

import type { Database } from '../../src/shared/node/db/database.ts';

/** Every row of every table as text, in a stable order, including tables of later migrations. */
export async function readAllRows(db: Database): Promise<string[]> {
  const tables = await db.raw<{ rows: { name: string }[] }>(
    "select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'",
  );
  const selects = tables.rows.map(
    ({ name }) => `select '${name} ' || to_jsonb(one)::text as row from public."${name}" one`,
  );
  const { rows } = await db.raw<{ rows: { row: string }[] }>(`${selects.join(' union all ')} order by 1`);
  return rows.map(({ row }) => row);
}

/** The same without the audit log, which records refused calls too. */
export async function readRowsButAudit(db: Database): Promise<string[]> {
  return (await readAllRows(db)).filter((row) => !row.startsWith('audit_entries '));
}
