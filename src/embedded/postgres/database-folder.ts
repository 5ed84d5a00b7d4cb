/** The data folder of the embedded PostgreSQL: initdb, and the database in it. */

import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';

import { Client, DatabaseError, type ClientConfig } from 'pg';

import type { PostgresProgram, PostgresRunner } from './postgres-program.ts';

export const user = 'opencode';
export const database = 'opencode';

/** Creates the data folder beside its final place and renames it when it is complete, so that a partial one is never used. */
export async function initialiseFolder(options: {
  program: PostgresProgram;
  runner: PostgresRunner;
  folder: string;
  password: string;
}): Promise<void> {
  const { program, runner, folder, password } = options;
  if (existsSync(folder)) {
    throw new Error(
      `${folder} exists but contains no PostgreSQL database that this user may read. Move it away, or choose another with DATA_DIR.`,
    );
  }
  const draft = `${folder}.initialising`;
  const passwordFile = `${folder}.password`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (runner.owner !== null) {
    for (const path of [draft, passwordFile]) chownSync(path, runner.owner.uid, runner.owner.gid);
  }
  const command = [
    ...runner.prefix,
    program.initdb,
    `--pgdata=${draft}`,
    `--username=${user}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // The same sort order and case rules on every machine, whatever locales it has.
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    '--no-sync', // an empty database can be created again
  ];
  try {
    await promisify(execFile)(command[0] ?? '', command.slice(1), {
      cwd: '/',
      env: { ...process.env, LC_ALL: 'C' },
      ...runner.user,
    });
    renameSync(draft, folder);
  } catch (cause) {
    throw new Error(`PostgreSQL could not create a new database in ${folder}: ${messageOf(cause)}`, { cause });
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

/** Creates the database if it does not exist. Returns the version of the server. */
export async function ensureDatabase(admin: ClientConfig, settingsFile: string): Promise<string> {
  const client = new Client({ ...admin, database: 'postgres' });
  try {
    await client.connect();
    const existing = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
    if (existing.rowCount === 0) await client.query(`CREATE DATABASE ${database}`);
    const shown = await client.query<{ server_version: string }>('SHOW server_version');
    return shown.rows[0]?.server_version ?? '';
  } catch (cause) {
    if (cause instanceof DatabaseError && cause.code === '28P01') {
      throw new Error(
        `PostgreSQL refuses the password in ${settingsFile}. Restore that file, or start with new data.`,
        {
          cause,
        },
      );
    }
    throw new Error(`PostgreSQL started but does not answer: ${messageOf(cause)}`, { cause });
  } finally {
    await client.end();
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message.trim() : String(cause);
}
