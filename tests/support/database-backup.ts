/** Copies a database, and puts the copy in its place later. It does not depend on vitest. */

import { Client } from 'pg';

export interface Backup {
  /** Replaces the database by the backup. Connections to it are closed, and new ones reach the backup. */
  restore(): Promise<void>;
  drop(): Promise<void>;
}

/**
 * Copies a database. Connections to it are closed once.
 * @param adminUrl of a role that may create and drop databases, in another database
 */
export async function copyDatabase(adminUrl: string, url: string): Promise<Backup> {
  const name = new URL(url).pathname.slice(1);
  const copy = `${name}_backup`;
  const lost = `${name}_lost`;
  /** Nobody may be connected to a database that is copied or renamed. */
  async function whileUnused(change: string[]): Promise<void> {
    await runAsAdmin(adminUrl, `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
    await runAsAdmin(
      adminUrl,
      `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '${name}'`,
    );
    for (const statement of change) await runAsAdmin(adminUrl, statement);
    await runAsAdmin(adminUrl, `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
  }
  await whileUnused([`CREATE DATABASE ${copy} TEMPLATE ${name}`]);
  return {
    restore: () =>
      whileUnused([`ALTER DATABASE ${name} RENAME TO ${lost}`, `ALTER DATABASE ${copy} RENAME TO ${name}`]),
    async drop() {
      for (const each of [copy, lost]) await runAsAdmin(adminUrl, `DROP DATABASE IF EXISTS ${each} WITH (FORCE)`);
    },
  };
}

/** Runs one statement on a new connection. */
export async function runAsAdmin(adminUrl: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
