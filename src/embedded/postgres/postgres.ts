/**
 * The embedded PostgreSQL of `npm start` and of the tests: the real server, from npm, on 127.0.0.1 only, with its data in
 * `<dataDir>/postgres`. It owns that folder (by a lock), the port and the password beside it, and one server process, which
 * stops when this process ends, however it ends. It has no loop. It must never delete a folder that has a finished
 * database, and never run two servers on one folder.
 */

import { existsSync, truncateSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import type { EmbeddedLog } from '../embedded-log.ts';
import { claimFolder } from '../process/claim-folder.ts';
import { startGuardedProcess } from '../process/guarded-process.ts';
import type { GuardedProcess } from '../process/guarded-process.ts';
import { choosePort, loadServiceSettings, saveServiceSettings } from '../process/service-settings.ts';
import type { ServiceSettings } from '../process/service-settings.ts';
import { waitUntil } from '../process/wait-until.ts';
import { database, ensureDatabase, initialiseFolder, user } from './database-folder.ts';
import { readPidFile, stopLeftover } from './leftover-server.ts';
import { choosePostgresRunner, findPostgresProgram } from './postgres-program.ts';
import type { PostgresProgram, PostgresRunner } from './postgres-program.ts';

const startTimeoutMs = 30_000;

interface EmbeddedPostgresOptions {
  dataDir: string;
  /** A fixed TCP port. Unless given: the port of the last run if it is free, else any free one. */
  port?: number;
  log: EmbeddedLog;
  /**
   * `machine` (the default): what was committed survives a power failure. `processes`: without fsync, what was committed
   * survives any kill -9, because the operating system has it, but not a crash of the operating system.
   */
  survives?: 'machine' | 'processes';
  /** 200 unless given. */
  maxConnections?: number;
}

interface EmbeddedPostgres {
  /** Connects as the superuser to the database `opencode`. */
  url: string;
  /** "PostgreSQL 18.4". */
  version: string;
  /** The server process, for tests that kill or freeze it. */
  pid: number;
  /** Resolves when the server process has ended for any reason. */
  exited: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL on `<dataDir>/postgres`, which the first start creates, and waits until it answers. A server that a
 * killed run has left on that folder is stopped first.
 *
 * @throws Error that says what to do, when the folder is in use by another process, is not a database, or when the server
 *   does not start
 */
export async function createEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
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
      await initialiseFolder({ program, runner, folder, password: settings.password });
    }
    server = await startServer({ options, program, runner, folder, settings, settingsFile, logFile });
    const { port, password } = settings;
    const version = await ensureDatabase({ host: '127.0.0.1', port, user, password }, settingsFile);
    const running = server;
    return {
      url: `postgresql://${user}:${password}@127.0.0.1:${port}/${database}`,
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

interface StartOptions {
  options: EmbeddedPostgresOptions;
  program: PostgresProgram;
  runner: PostgresRunner;
  folder: string;
  /** The port is updated to the one in use. */
  settings: ServiceSettings;
  settingsFile: string;
  logFile: string;
}

/**
 * Starts the server and waits until it is ready. It tries again for two passing causes: somebody took the port after it was
 * chosen, or the shared memory of a server that was just killed is not free yet.
 */
async function startServer(start: StartOptions): Promise<GuardedProcess> {
  const { options, folder, settings, settingsFile, logFile } = start;
  const deadline = performance.now() + startTimeoutMs;
  for (let portTries = 0; ;) {
    await stopLeftover(folder, options.log);
    const port = await choosePort({ desired: options.port, last: settings.port });
    if (port !== settings.port) saveServiceSettings(settingsFile, { ...settings, port });
    settings.port = port;
    const server = await spawnServer(start);
    if (await becomesReady(server, folder)) return server;
    const output = server.output();
    await server.stop();
    if (performance.now() > deadline) throw new Error(failureMessage(output, logFile));
    if (/could not bind|could not create any TCP/.test(output) && options.port === undefined && portTries < 5) {
      portTries += 1;
      continue;
    }
    if (!/shared memory block|lock file "postmaster.pid"/.test(output))
      throw new Error(failureMessage(output, logFile));
  }
}

function spawnServer({ options, program, runner, folder, settings, logFile }: StartOptions): Promise<GuardedProcess> {
  const { maxConnections = 200, survives = 'machine' } = options;
  return startGuardedProcess({
    command: runner.prefix[0] ?? program.postgres,
    args: [
      ...runner.prefix.slice(1),
      ...(runner.prefix.length > 0 ? [program.postgres] : []),
      ...serverArguments({ folder, port: settings.port, maxConnections, survives }),
    ],
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
    user: runner.user,
    stopSignal: 'INT', // fast shutdown: sessions are ended at once
    urgentSignal: 'SIGQUIT', // immediate shutdown: the next start recovers from the write-ahead log
    stopTimeoutMs: 1_500,
    logFile,
  });
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
    wal_level: 'minimal', // no replication
    max_wal_senders: 0,
    max_logical_replication_workers: 0,
    io_method: 'sync', // the database is small and in memory: without three processes that read ahead it starts sooner
    log_min_messages: 'log', // without statements that a constraint refuses: their caller handles them
    log_checkpoints: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
  };
  return ['-D', options.folder, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

/** True when the pid file says that the server is ready; false when it has ended or takes too long. */
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

function failureMessage(output: string, logFile: string): string {
  return `PostgreSQL did not start. Its last lines: ${output.split('\n').slice(-5).join(' ')} (all are in ${logFile}).`;
}
