/**
 * Database migrations, up and down. Two processes may run them at the same time. They refuse a database that is newer than
 * this code.
 */

import { setTimeout as delay } from 'node:timers/promises';

import knex, { type Knex } from 'knex';

import * as usersAndSessions from '../../../../migrations/0001-users-and-sessions.ts';
import * as accessTokens from '../../../../migrations/0002-access-tokens.ts';
import * as projects from '../../../../migrations/0003-projects.ts';
import * as projectEvents from '../../../../migrations/0004-project-events.ts';
import * as leases from '../../../../migrations/0005-leases.ts';
import * as resync from '../../../../migrations/0006-resync.ts';
import * as sessionLastUsed from '../../../../migrations/0007-session-last-seen.ts';
import * as diagnosisFields from '../../../../migrations/0008-explanations.ts';
import * as projectStarts from '../../../../migrations/0009-project-starts.ts';
import * as vocabulary from '../../../../migrations/0010-vocabulary.ts';
import * as podAccess from '../../../../migrations/0011-pod-access.ts';
import * as failureAdvice from '../../../../migrations/0012-failure-advice.ts';
import * as userIssuer from '../../../../migrations/0013-user-issuer.ts';
import * as attempts from '../../../../migrations/0014-attempts.ts';
import * as restores from '../../../../migrations/0015-restores.ts';
import * as tasks from '../../../../migrations/0016-tasks.ts';
import * as taskBranches from '../../../../migrations/0017-task-branches.ts';
import * as models from '../../../../migrations/0019-models.ts';
import * as config from '../../../../migrations/0020-config.ts';
import * as unfinishedRuns from '../../../../migrations/0021-unfinished-runs.ts';
import * as idleStop from '../../../../migrations/0022-idle-stop.ts';
import * as trash from '../../../../migrations/0023-trash.ts';
import * as sizes from '../../../../migrations/0024-sizes.ts';
import * as members from '../../../../migrations/0025-members.ts';
import * as podSizes from '../../../../migrations/0026-pod-sizes.ts';
import * as deviceLogins from '../../../../migrations/0027-device-logins.ts';
import * as administration from '../../../../migrations/0028-administration.ts';
import { AppError } from '../../contract/errors.ts';
import type { Log } from '../log.ts';
import { assertSettings, connectionSettings, poolerRefusalOf } from './connection-settings.ts';
import { outageOf } from './outage.ts';

/** Plain imports instead of a folder scan, so that the recorded names have no file extension that a build could change. */
const migrations: Record<string, Knex.Migration> = {
  '0001-users-and-sessions': usersAndSessions,
  '0002-access-tokens': accessTokens,
  '0003-projects': projects,
  '0004-project-events': projectEvents,
  '0005-leases': leases,
  '0006-resync': resync,
  '0007-session-last-seen': sessionLastUsed,
  '0008-explanations': diagnosisFields,
  '0009-project-starts': projectStarts,
  '0010-vocabulary': vocabulary,
  '0011-pod-access': podAccess,
  '0012-failure-advice': failureAdvice,
  '0013-user-issuer': userIssuer,
  '0014-attempts': attempts,
  '0015-restores': restores,
  '0016-tasks': tasks,
  '0017-task-branches': taskBranches,
  '0019-models': models,
  '0020-config': config,
  '0021-unfinished-runs': unfinishedRuns,
  '0022-idle-stop': idleStop,
  '0023-trash': trash,
  '0024-sizes': sizes,
  '0025-members': members,
  '0026-pod-sizes': podSizes,
  '0027-device-logins': deviceLogins,
  '0028-administration': administration,
};

const migrationSource: Knex.MigrationSource<string> = {
  getMigrations: () => Promise.resolve(Object.keys(migrations)),
  getMigrationName: (name) => name,
  getMigration: (name) => {
    const migration = migrations[name];
    if (!migration) throw new Error(`There is no migration called ${name}.`);
    return Promise.resolve(migration);
  },
};

/** An arbitrary number that is the same in every process: the id of the advisory lock for migrations. */
const migrationLock = 4_082_026;
/** How long to wait for another process that migrates. */
const lockLimit = '15 min';
/** The SQLSTATE of a lock that was not available within the limit. */
const lockNotAvailable = '55P03';

/** Migrates the database to this code's newest migration. Returns the names of the migrations that were run. */
export function migrateToLatest(databaseUrl: string): Promise<string[]> {
  return withMigrationLock(databaseUrl, async (db) => {
    const [, ran] = (await db.migrate.latest({ migrationSource })) as [number, string[]];
    return ran;
  });
}

/** Undoes the newest migration. Returns its name, or an empty list if there is none left. */
export function migrateDown(databaseUrl: string): Promise<string[]> {
  return withMigrationLock(databaseUrl, async (db) => {
    const [, undone] = (await db.migrate.down({ migrationSource })) as [number, string[]];
    return undone;
  });
}

/** Throws unless the database has exactly the migrations of this code. */
export async function assertMigrated(db: Knex): Promise<void> {
  const done = await completedMigrations(db);
  refuseNewer(done);
  const missing = Object.keys(migrations).filter((name) => !done.includes(name));
  if (missing.length > 0) {
    throw new AppError(
      'UNAVAILABLE',
      `The database lacks the migrations ${missing.join(', ')}. Run "npm run migrate" first.`,
    );
  }
}

/**
 * Resolves if the database has exactly the migrations of this code and takes our settings. Waits for a database that does not answer yet.
 * @throws AppError UNAVAILABLE if it does not answer within `graceMs`, ignores or refuses our settings, lacks migrations, or is
 * newer than this program
 */
export async function awaitMigrated(db: Knex, { graceMs, log }: { graceMs: number; log: Log }): Promise<void> {
  const deadline = performance.now() + graceMs;
  for (let attempt = 0; ; attempt += 1) {
    try {
      await assertSettings(db);
      return await assertMigrated(db);
    } catch (error) {
      const refusal = poolerRefusalOf(error);
      if (refusal) throw refusal;
      const outage = outageOf(error);
      if (!outage || performance.now() > deadline) throw outage ?? error;
      if (attempt === 0) log.warn({ error: String(error) }, 'the database does not answer yet; trying again');
      await delay(Math.min(250 * 2 ** attempt, 2_000));
    }
  }
}

async function withMigrationLock<T>(databaseUrl: string, work: (db: Knex) => Promise<T>): Promise<T> {
  // Migrations have no statement timeout, because tables may be large.
  const connection = connectionSettings(databaseUrl);
  const holder = knex({ client: 'pg', connection, pool: { min: 1, max: 1 } });
  const db = knex({ client: 'pg', connection, pool: { min: 0, max: 2 } });
  let holding: Knex.Transaction | null = null;
  try {
    holding = await holder.transaction();
    await takeMigrationLock(holding);
    await refuseOtherSchema(db);
    refuseNewer(await completedMigrations(db));
    // Knex's lock row stays behind when a process is killed. We hold the advisory lock, so the row is stale.
    await db.migrate.forceFreeMigrationsLock({ migrationSource });
    return await work(db);
  } catch (error) {
    throw poolerRefusalOf(error) ?? error;
  } finally {
    await db.destroy();
    await holding?.rollback().catch(() => undefined); // the connection broke, and the lock with it
    await holder.destroy();
  }
}

/**
 * Takes the lock until the transaction ends. A lock of the session would outlive the process behind a pooler in transaction mode:
 * the pooler keeps the connection, and every later migration would wait for ever.
 */
async function takeMigrationLock(holding: Knex.Transaction): Promise<void> {
  await holding.raw(
    `set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0; set local lock_timeout = '${lockLimit}'`,
  );
  try {
    await holding.raw('select pg_advisory_xact_lock(?)', [migrationLock]);
  } catch (error) {
    if ((error as { code?: unknown }).code !== lockNotAvailable) throw error;
    const message = `Another process has run migrations for ${lockLimit}. Wait until it has finished, or end it. Then try again.`;
    throw new AppError('UNAVAILABLE', message, { cause: error });
  }
}

/** Earlier versions used the first schema of the role's search path. Without this check the tables would be created again. */
async function refuseOtherSchema(db: Knex): Promise<void> {
  const tables = db('pg_tables')
    .where({ tablename: 'project_events' })
    .whereNot('schemaname', db.raw('current_schema()'));
  const other = await tables.first<{ schemaname: string } | undefined>('schemaname');
  if (!other || (await db.schema.hasTable('project_events'))) return;
  throw new AppError(
    'UNAVAILABLE',
    `The tables are in the schema ${other.schemaname}. Add ?options=-c%20search_path%3D${other.schemaname} to DATABASE_URL.`,
  );
}

async function completedMigrations(db: Knex): Promise<string[]> {
  if (!(await db.schema.hasTable('knex_migrations'))) return [];
  const rows = await db<{ name: string }>('knex_migrations').select('name').orderBy('id');
  return rows.map((row) => row.name);
}

function refuseNewer(done: string[]): void {
  const unknown = done.filter((name) => !(name in migrations));
  if (unknown.length > 0) {
    throw new AppError(
      'UNAVAILABLE',
      `The database is newer than this program: it has the migrations ${unknown.join(', ')}. Run the newer version instead.`,
    );
  }
}
