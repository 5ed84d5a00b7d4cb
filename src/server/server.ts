/** Starts and stops one server: checks the database, listens, and on stop lets everything under way finish. */

import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import type { FastifyInstance } from 'fastify';

import { AppError } from '../shared/contract/errors.ts';
import { awaitMigrated } from '../shared/node/db/migrate.ts';
import { createLog, type Log } from '../shared/node/log.ts';
import { createApp } from './app.ts';
import type { ServerConfig } from './config.ts';
import { createServerContext, type ServerTimings } from './context.ts';

const builtClientDir = fileURLToPath(new URL('../../dist/client', import.meta.url));
/** Sockets are told to reconnect and get so long to do it. */
const socketGraceMs = 2_000;
/** Requests under way get so long to finish. */
const requestGraceMs = 10_000;

export interface StartServerOptions {
  log?: Log;
  /** The built user interface; `dist/client` unless told otherwise. */
  clientDir?: string;
  timings?: Partial<ServerTimings>;
  /** How long to wait for a database that does not answer yet. */
  databaseGraceMs?: number;
  now?: () => number;
}

export interface RunningServer {
  /** Where browsers open it, without a slash at the end. */
  url: string;
  port: number;
  stop: () => Promise<void>;
}

/**
 * Starts the server. Redis and the issuer may be away; the database must come within `databaseGraceMs` (60 s).
 * @throws AppError UNAVAILABLE when the database lacks migrations, is newer than this code, or does not answer
 */
export async function startServer(config: ServerConfig, options: StartServerOptions = {}): Promise<RunningServer> {
  const log = options.log ?? createLog({ name: 'server', level: config.logLevel });
  let localUrl: string | null = null;
  const publicOrigin = () => {
    const url = config.publicUrl ?? localUrl;
    if (url === null) throw new Error('The address of the server is known only once it listens.');
    return url;
  };
  const context = createServerContext(config, {
    log,
    publicOrigin,
    ...(options.timings ? { timings: options.timings } : {}),
    ...(options.now ? { now: options.now } : {}),
  });
  try {
    await awaitMigrated(context.db, { graceMs: options.databaseGraceMs ?? 60_000, log });
    const app = await createApp(context, { clientDir: options.clientDir ?? builtClientDir });
    context.sockets.attach(app.server);
    const endSilentLines = trackSilentLines(app.server);
    await listen(app, config);
    const { port } = app.server.address() as AddressInfo; // it listens on TCP
    localUrl = `http://localhost:${port}`;
    context.startLoops();
    log.info({ url: publicOrigin(), host: config.host, port }, 'the server listens');

    const stop = async () => {
      log.info('the server stops');
      context.beginStop();
      const requests = app.close();
      endSilentLines();
      await context.sockets.stop(socketGraceMs);
      const late = new AbortController();
      await Promise.race([requests, delay(requestGraceMs, undefined, { signal: late.signal }).catch(() => undefined)]);
      late.abort();
      app.server.closeAllConnections();
      await context.dispose();
    };
    let stopped: Promise<void> | null = null;
    return { url: publicOrigin(), port, stop: () => (stopped ??= stop()) };
  } catch (error) {
    await context.dispose();
    throw error;
  }
}

/**
 * Knows the connections on which nothing was ever said, as browsers open them ahead of need: closing waits for them in vain.
 * The returned function ends them, and from then on each new one.
 */
function trackSilentLines(server: Server): () => void {
  const lines = new Set<Socket>();
  let ending = false;
  server.on('connection', (line: Socket) => {
    if (ending) return void line.destroy();
    lines.add(line);
    line.once('close', () => lines.delete(line));
  });
  return () => {
    ending = true;
    for (const line of lines) if (line.bytesRead === 0) line.destroy();
  };
}

async function listen(app: FastifyInstance, { port, host }: ServerConfig): Promise<void> {
  try {
    await app.listen({ port, host });
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL') throw error;
    const reason = {
      EADDRINUSE: 'is taken',
      EACCES: 'is not allowed',
      EADDRNOTAVAIL: 'is not an address of this machine',
    };
    const message = `The server cannot listen on ${host}:${port}: it ${reason[code]}. Set PORT or HOST to another one.`;
    throw new AppError('UNAVAILABLE', message, { cause: error });
  }
}
