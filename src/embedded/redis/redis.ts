/**
 * The embedded Redis of `npm start` and of the tests: a real redis-server or valkey-server on 127.0.0.1 only, with a password
 * and an append-only file in `<dataDir>/redis`. It owns that folder (by a lock), the port and the password beside it, and one
 * server process, which stops when this process ends, however it ends. It has no loop. It must never evict a key, because
 * the job queue is in it.
 */

import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';

import type { EmbeddedLog } from '../embedded-log.ts';
import { claimFolder } from '../process/claim-folder.ts';
import { defaultCacheDir } from '../process/find-on-path.ts';
import { startGuardedProcess } from '../process/guarded-process.ts';
import type { GuardedProcess } from '../process/guarded-process.ts';
import { commandLineOf, isAlive } from '../process/process-info.ts';
import { choosePort, loadServiceSettings, saveServiceSettings } from '../process/service-settings.ts';
import type { ServiceSettings } from '../process/service-settings.ts';
import { waitUntil } from '../process/wait-until.ts';
import { findRedisProgram } from './redis-program.ts';

const startTimeoutMs = 30_000;

interface EmbeddedRedisOptions {
  dataDir: string;
  /** A fixed TCP port. Unless given: the port of the last run if it is free, else any free one. */
  port?: number;
  /** Where a downloaded redis-server is kept between runs; in the cache folder of the user unless given. */
  cacheDir?: string;
  /** The PATH on which redis-server is searched; that of this process unless given. */
  searchPath?: string;
  /** Number of logical databases; 16 unless given. */
  databases?: number;
  log: EmbeddedLog;
}

interface EmbeddedRedis {
  url: string;
  /** "redis-server 7.0.15 from the path". */
  source: string;
  /** The server process, for tests that kill or freeze it. */
  pid: number;
  /** Resolves when the server process has ended for any reason. */
  exited: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts Redis on `<dataDir>/redis` and waits until it answers. What was acknowledged survives a kill -9 of any process. A
 * power failure loses at most the last second. A server that a killed run has left is stopped first.
 *
 * @throws Error that says what to do, when there is no server program, the folder is in use or the server does not start
 */
export async function createEmbeddedRedis(options: EmbeddedRedisOptions): Promise<EmbeddedRedis> {
  const { log, databases = 16, cacheDir = defaultCacheDir(), searchPath = process.env['PATH'] ?? '' } = options;
  const dataDir = resolve(options.dataDir);
  const folder = join(dataDir, 'redis');
  const settingsFile = join(dataDir, 'redis-settings.json');
  const configFile = join(dataDir, 'redis.conf');
  const logFile = join(dataDir, 'redis.log');

  const release = claimFolder(dataDir, 'redis');
  let server: GuardedProcess | null = null;
  try {
    const program = await findRedisProgram({ cacheDir, searchPath, log });
    const settings = loadServiceSettings(settingsFile);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(logFile, '', { flag: 'a', mode: 0o600 });
    truncateSync(logFile);
    await stopLeftover(folder, log);

    for (let portTries = 0; ; portTries += 1) {
      const port = await choosePort({ desired: options.port, last: settings.port });
      if (port !== settings.port) saveServiceSettings(settingsFile, { ...settings, port });
      settings.port = port;
      // In a file, because every user of the machine can read the arguments of a process.
      writeFileSync(configFile, configuration({ folder, databases, ...settings }), { mode: 0o600 });
      server = await startGuardedProcess({
        command: program.path,
        args: [configFile],
        env: { ...process.env, ...program.env },
        user: null,
        stopSignal: 'TERM',
        urgentSignal: 'SIGKILL', // safe, because what was acknowledged is in the append-only file
        stopTimeoutMs: 1_800,
        logFile,
      });
      if (await becomesReady(server, settings)) break;
      const output = server.output();
      await server.stop();
      const portTaken = /Address already in use|could not create server TCP/i.test(output);
      if (!portTaken || options.port !== undefined || portTries >= 5) throw new Error(failureMessage(output, logFile));
    }

    const running = server;
    return {
      url: `redis://:${settings.password}@127.0.0.1:${settings.port}/0`,
      source: program.source,
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

function configuration(options: { folder: string; port: number; password: string; databases: number }): string {
  return [
    'bind 127.0.0.1',
    'protected-mode yes',
    `port ${options.port}`,
    `requirepass ${options.password}`,
    `databases ${options.databases}`,
    `dir ${quote(options.folder)}`,
    `pidfile ${quote(pidFile(options.folder))}`,
    'daemonize no',
    'appendonly yes',
    'appendfsync everysec',
    'save ""',
    'maxmemory-policy noeviction',
    '',
  ].join('\n');
}

function quote(path: string): string {
  return `"${path.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** True when it answers PONG; false when it has ended or takes too long. */
async function becomesReady(server: GuardedProcess, settings: ServiceSettings): Promise<boolean> {
  const ready = await waitUntil(
    async () => {
      if (server.hasExited()) return false;
      // Redis listens before it has loaded its data. Until then it refuses PING.
      const answer = await sendCommand(settings, 'PING');
      return answer.includes('+PONG') ? true : undefined;
    },
    { timeoutMs: startTimeoutMs, intervalMs: 10 },
  );
  return ready ?? false;
}

/** Authenticates, sends one inline command and returns the whole answer. The connection may be idle for one second. */
function sendCommand(settings: ServiceSettings, command: string): Promise<string> {
  return new Promise((done) => {
    let answer = '';
    const socket = connect({ host: '127.0.0.1', port: settings.port, timeout: 1_000 });
    socket.on('connect', () => socket.write(`AUTH ${settings.password}\r\n${command}\r\nQUIT\r\n`));
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.on('timeout', () => socket.destroy());
    socket.on('error', () => undefined); // not listening yet: `close` follows
    socket.on('close', () => done(answer));
  });
}

/**
 * Stops the server that a killed run has left on this folder. This process holds the lock of the folder, so nobody uses the
 * server. The command line shows that the process is a Redis, and not another process with the same id.
 */
async function stopLeftover(folder: string, log: EmbeddedLog): Promise<void> {
  const pid = readPid(folder);
  if (pid === null || !isAlive(pid) || !/(redis|valkey)-server/.test(commandLineOf(pid) ?? '')) return;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return; // it has ended already
    }
    const gone = await waitUntil(() => (isAlive(pid) ? undefined : true), { timeoutMs: 3_000 });
    if (gone) {
      log.info(`Stopped Redis process ${pid}, which an earlier run has left.`);
      rmSync(pidFile(folder), { force: true });
      return;
    }
  }
  throw new Error(`Redis process ${pid} still runs on ${folder} and cannot be stopped. Stop it by hand.`);
}

function pidFile(folder: string): string {
  return join(folder, 'redis.pid');
}

function readPid(folder: string): number | null {
  try {
    const pid = Number(readFileSync(pidFile(folder), 'utf8'));
    return pid > 0 ? pid : null;
  } catch {
    return null;
  }
}

function failureMessage(output: string, logFile: string): string {
  return `Redis did not start. Its last lines: ${output.split('\n').slice(-3).join(' ')} (all are in ${logFile}).`;
}
