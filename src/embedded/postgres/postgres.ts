/**
 * The embedded PostgreSQL of `npm start` and of the tests: the real server, from npm, on 127.0.0.1 alone, with its data in
 * `<dataDir>/postgres`. It owns that folder (by a lock), the port and the password beside it, and one server process,
 * which stops when this process ends in whatever way. It has no loop of its own. It must never wipe a folder that holds
 * a finished database, and never run two servers on one.
 */

import { execFile } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { Client, DatabaseError } from 'pg';
import type { ClientConfig } from 'pg';

import type { EmbeddedLog } from '../embedded-log.ts';
import { claimFolder } from '../process/claim-folder.ts';
import { startGuardedProcess } from '../process/guarded-process.ts';
import type { GuardedProcess } from '../process/guarded-process.ts';
import { commandLineOf, isAlive } from '../process/process-info.ts';
import { choosePort, loadServiceSettings, saveServiceSettings } from '../process/service-settings.ts';
import { waitUntil } from '../process/wait-until.ts';
import { choosePostgresRunner, findPostgresProgram } from './postgres-program.ts';
import type { PostgresProgram, PostgresRunner } from './postgres-program.ts';

const user = 'opencode';
const database = 'opencode';
const startTimeoutMs = 30_000;

export interface EmbeddedPostgresOptions {
  dataDir: string;
  /** A fixed TCP port; without it the port of the last run, or any free one. */
  port?: number;
  log: EmbeddedLog;
  /**
   * `machine` (the default) keeps what was committed even when the power fails. `processes` skips fsync: what was
   * committed survives any kill -9, for the operating system has it, but not the end of the operating system.
   */
  survives?: 'machine' | 'processes';
  /** 200 unless told otherwise. */
  maxConnections?: number;
}

export interface EmbeddedPostgres {
  /** Connects as the superuser to the database `opencode`. */
  url: string;
  /** "PostgreSQL 18.4". */
  version: string;
  /** The server process, for those who test what happens when it is killed or frozen. */
  pid: number;
  /** Settles when the server process has ended, asked to or not. */
  exited: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL on `<dataDir>/postgres`, which is made on the first start, and waits until it answers.
 * A server that a killed run left behind on that folder is stopped first.
 *
 * Throws a sentence when the folder is in use by another process, is not a database, or when the server does not start.
 */
export async function createEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { log, maxConnections = 200, survives = 'machine' } = options;
  const dataDir = resolve(options.dataDir);
  const folder = join(dataDir, 'postgres');
  const settingsFile = join(dataDir, 'postgres-settings.json');
  const logFile = join(dataDir, 'postgres.log');

  const release = claimFolder(dataDir, 'postgres');
  let server: GuardedProcess | null = null;
  try {
    const program = await findPostgresProgram();
    const runner = choosePostgresRunner(program, folder);
    const settings = loadServiceSettings(settingsFile);
    writeFileSync(logFile, '', { flag: 'a', mode: 0o600 });
    truncateSync(logFile);
    if (!existsSync(join(folder, 'PG_VERSION'))) {
      await initialise({ program, runner, folder, password: settings.password });
    }

    // A port may be taken between the choice and its use, and memory of a server that was killed a moment ago may not be
    // free yet: both pass by themselves.
    const deadline = performance.now() + startTimeoutMs;
    for (let portTries = 0; ;) {
      await stopLeftover(folder, log);
      const port = await choosePort({ desired: options.port, last: settings.port });
      if (port !== settings.port) saveServiceSettings(settingsFile, { ...settings, port });
      settings.port = port;
      server = await startGuardedProcess({
        command: runner.prefix[0] ?? program.postgres,
        args: [
          ...runner.prefix.slice(1),
          ...(runner.prefix.length > 0 ? [program.postgres] : []),
          ...serverArguments({ folder, port, maxConnections, survives }),
        ],
        env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
        user: runner.user,
        stopSignal: 'INT', // a fast shutdown: sessions are ended, nothing is waited for
        urgentSignal: 'SIGQUIT', // an immediate one: the next start recovers from the write-ahead log
        stopTimeoutMs: 1_500,
        logFile,
      });
      if (await becomesReady(server, folder)) break;
      const reason = server.output();
      await server.stop();
      if (performance.now() > deadline) throw new Error(failure(reason, logFile));
      if (/could not bind|could not create any TCP/.test(reason) && options.port === undefined && portTries < 5) {
        portTries += 1;
        continue;
      }
      if (!/shared memory block|lock file "postmaster.pid"/.test(reason)) throw new Error(failure(reason, logFile));
    }

    const admin = { host: '127.0.0.1', port: settings.port, user, password: settings.password };
    const version = await ensureDatabase(admin, settingsFile);
    const running = server;
    return {
      url: `postgresql://${user}:${settings.password}@127.0.0.1:${settings.port}/${database}`,
      version: `PostgreSQL ${version}`,
      pid: running.pid,
      exited: running.exited.then(() => undefined),
      async stop() {
        await running.stop();
        release();
      },
    };
  } catch (error) {
    await server?.stop();
    release();
    throw error;
  }
}

/** Makes the database beside its final place and moves it there when it is whole, so that no half-made one is ever used. */
async function initialise(options: {
  program: PostgresProgram;
  runner: PostgresRunner;
  folder: string;
  password: string;
}): Promise<void> {
  const { program, runner, folder, password } = options;
  if (existsSync(folder)) {
    throw new Error(
      `${folder} exists but holds no PostgreSQL database that this user may read. Move it away, or choose another with DATA_DIR.`,
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
  const words = [
    ...runner.prefix,
    program.initdb,
    `--pgdata=${draft}`,
    `--username=${user}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // The same order and case rules on every machine, whatever locales it has.
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    '--no-sync', // an empty database is soon made again
  ];
  try {
    await promisify(execFile)(words[0] ?? '', words.slice(1), {
      cwd: '/',
      env: { ...process.env, LC_ALL: 'C' },
      ...runner.user,
    });
    renameSync(draft, folder);
  } catch (cause) {
    throw new Error(`PostgreSQL could not make a new database in ${folder}: ${sayWhy(cause)}`, { cause });
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

function serverArguments(options: {
  folder: string;
  port: number;
  maxConnections: number;
  survives: 'machine' | 'processes';
}): string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    port: options.port,
    unix_socket_directories: '',
    max_connections: options.maxConnections,
    fsync: options.survives === 'machine' ? 'on' : 'off',
    wal_level: 'minimal', // nothing replicates from here
    max_wal_senders: 0,
    log_min_messages: 'log', // statements refused by a constraint are the program's business, not the log's
    log_checkpoints: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
  };
  return ['-D', options.folder, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

/** True when the server says so in its pid file, false when it ended or took too long. */
async function becomesReady(server: GuardedProcess, folder: string): Promise<boolean> {
  const ready = await waitUntil(
    () => {
      if (server.hasExited()) return false;
      const file = readPidFile(folder);
      return file?.pid === server.pid && file.status === 'ready' ? true : undefined;
    },
    { timeoutMs: startTimeoutMs, intervalMs: 10 },
  );
  return ready ?? false;
}

/**
 * Stops the server that a killed run left on this folder. That it is one of ours is certain: the folder's lock is held
 * by us, and the process says on its command line that it serves the folder of this very pid file.
 */
async function stopLeftover(folder: string, log: EmbeddedLog): Promise<void> {
  const left = readPidFile(folder);
  if (left === null || !isAlive(left.pid)) return; // PostgreSQL itself clears up after a server that is gone
  if (!(commandLineOf(left.pid) ?? '').includes(`-D ${left.folder}`)) {
    // The process id belongs to somebody else now (after a restart of the machine or container they are soon used
    // again), which PostgreSQL would take for a running server.
    rmSync(join(folder, 'postmaster.pid'), { force: true });
    return;
  }
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    try {
      process.kill(left.pid, signal);
    } catch {
      return; // it ended by itself
    }
    const gone = await waitUntil(() => (isAlive(left.pid) ? undefined : true), { timeoutMs: 3_000 });
    if (gone) {
      log.info(`Stopped PostgreSQL process ${left.pid}, which an earlier run had left behind.`);
      return;
    }
  }
  throw new Error(`PostgreSQL process ${left.pid} still runs on ${folder} and cannot be stopped. Stop it by hand.`);
}

function readPidFile(folder: string): { pid: number; folder: string; status: string } | null {
  try {
    // https://www.postgresql.org/docs/18/storage-file-layout.html: pid, folder, start, port, socket, address, memory, status
    const lines = readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n');
    const pid = Number(lines[0]);
    return pid > 0 ? { pid, folder: lines[1] ?? '', status: (lines[7] ?? '').trim() } : null;
  } catch {
    return null;
  }
}

async function ensureDatabase(admin: ClientConfig, settingsFile: string): Promise<string> {
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
    throw new Error(`PostgreSQL started but does not answer: ${sayWhy(cause)}`, { cause });
  } finally {
    await client.end();
  }
}

function failure(output: string, logFile: string): string {
  return `PostgreSQL did not start; it said: ${output.split('\n').slice(-5).join(' ')} (all of it is in ${logFile}).`;
}

function sayWhy(cause: unknown): string {
  return cause instanceof Error ? cause.message.trim() : String(cause);
}
