/**
 * A PostgreSQL with a replica that streams from it. The replica begins as a copy of the data folder: the npm package has no
 * `pg_basebackup`, and a copy of a server that is stopped is as good. Both end with the process that started them.
 */

import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, chownSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Client } from 'pg';
import { expect } from 'vitest';

import { database, ensureDatabase, initialiseFolder, user } from '../../src/embedded/postgres/database-folder.ts';
import { choosePostgresRunner, findPostgresProgram } from '../../src/embedded/postgres/postgres-program.ts';
import { startGuardedProcess, type GuardedProcess } from '../../src/embedded/process/guarded-process.ts';
import { migrateToLatest } from '../../src/shared/node/db/migrate.ts';
import { killProcess } from './freeze.ts';
import { findKeptPort } from './kept-port.ts';

const password = 'of-the-test';

export interface ReplicatedPostgres {
  /** The address of the primary. */
  url: string;
  replicaPort: number;
  /** Waits until the replica has everything, kills the primary, and promotes the replica. */
  failOver(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts both, with an empty database of the newest schema. */
export async function startReplicatedPostgres(): Promise<ReplicatedPostgres> {
  const root = mkdtempSync(join(tmpdir(), 'opencode-replicated-postgres-'));
  chmodSync(root, 0o711); // PostgreSQL runs as another user when the tests run as root
  const program = await findPostgresProgram();
  const [folder, copy] = [join(root, 'primary'), join(root, 'replica')];
  const runner = choosePostgresRunner(program, folder);
  const own = (path: string) => void (runner.owner && chownSync(path, runner.owner.uid, runner.owner.gid));
  const [port, replicaPort] = [await findKeptPort(), await findKeptPort()];
  const urlOf = (at: number) => `postgresql://${user}:${password}@127.0.0.1:${at}/${database}`;
  const start = (dataFolder: string, at: number): Promise<GuardedProcess> => {
    const settings = [
      'listen_addresses=127.0.0.1',
      `port=${at}`,
      'unix_socket_directories=',
      'fsync=off',
      'timezone=UTC',
    ];
    const args = ['-D', dataFolder, ...settings.flatMap((setting) => ['-c', setting])];
    const command = [...runner.prefix, program.postgres, ...args];
    return startGuardedProcess({
      command: command[0] ?? '',
      args: command.slice(1),
      env: { ...process.env, LC_ALL: 'C' },
      user: runner.user,
      stopSignal: 'INT',
      urgentSignal: 'SIGQUIT',
      stopTimeoutMs: 3_000,
      logFile: join(root, 'log'),
    });
  };

  await initialiseFolder({ program, runner, folder, password });
  let primary = await start(folder, port);
  await untilAnswers(urlOf(port).replace(/\w+$/, 'postgres'));
  await ensureDatabase({ host: '127.0.0.1', port, user, password }, '');
  await migrateToLatest(urlOf(port));
  await primary.stop();

  execFileSync('cp', ['-a', folder, copy]);
  const source = `host=127.0.0.1 port=${port} user=${user} password=${password}`;
  appendFileSync(join(copy, 'postgresql.auto.conf'), `primary_conninfo = '${source}'\n`);
  const signal = join(copy, 'standby.signal');
  writeFileSync(signal, '');
  own(signal);
  primary = await start(folder, port);
  const replica = await start(copy, replicaPort);
  await Promise.all([untilAnswers(urlOf(port)), untilAnswers(urlOf(replicaPort))]);

  return {
    url: urlOf(port),
    replicaPort,
    async failOver() {
      const behind = 'select count(*)::int as count from pg_stat_replication where replay_lsn = pg_current_wal_lsn()';
      await expect.poll(async () => (await ask(urlOf(port), behind))?.['count'], { timeout: 20_000 }).toBe(1);
      killProcess(primary.pid);
      await ask(urlOf(replicaPort), 'select pg_promote()');
    },
    async stop() {
      await Promise.all([primary.stop(), replica.stop()]);
      await rm(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function ask(url: string, statement: string): Promise<Record<string, unknown> | undefined> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows[0];
  } finally {
    await client.end();
  }
}

const untilAnswers = (url: string) =>
  expect.poll(() => ask(url, 'select 1').then(() => true, String), { timeout: 30_000, interval: 50 }).toBe(true);
