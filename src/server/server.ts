/**
 * Starts and stops one server. Start: build the context (see `context.ts`), check the migrations, build the HTTP
 * application, listen, start the loops. Stop: report "not ready", finish the requests under way, move the sockets to other
 * servers, dispose of the context in the reverse order of building.
 */

import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import type { FastifyInstance } from 'fastify';

import type { Clock } from '../shared/clock.ts';
import { AppError } from '../shared/contract/errors.ts';
import { awaitMigrated } from '../shared/node/db/migrate.ts';
import { assignIssuer, findFormerIssuers } from '../shared/node/db/users-repository.ts';
import { createLog, type Log } from '../shared/node/log.ts';
import { refuseOtherRedis } from '../shared/node/redis.ts';
import { createApp } from './app.ts';
import type { ServerConfig } from './config.ts';
import { createServerContext, type ServerContext, type ServerTimings } from './context.ts';
import type { HostedApplication } from './http/hosted-application.ts';

const builtClientDir = fileURLToPath(new URL('../../dist/client', import.meta.url));
/** On start, Redis gets this long to say what it is. The server also starts without it. */
const redisGraceMs = 500;
/** On stop, clients get this long to connect their sockets to another server. */
const socketGraceMs = 2_000;
/** On stop, requests under way get this long to finish. */
const requestGraceMs = 10_000;

interface StartServerOptions {
  log?: Log;
  /** The built user interface; `dist/client` by default. */
  clientDir?: string;
  timings?: Partial<ServerTimings>;
  /** How long to wait for a database that does not answer yet; 60 s by default. */
  databaseGraceMs?: number;
  clock?: Clock;
  /** Another application in the same listener, by host name. It is stopped by the caller, before the server. */
  hosted?: HostedApplication;
}

export interface RunningServer {
  /** Where browsers open it, without a slash at the end. */
  url: string;
  port: number;
  stop: () => Promise<void>;
}

/**
 * Starts the server. Redis and the issuer may be unavailable; the database must answer within `databaseGraceMs`.
 * @throws AppError UNAVAILABLE if the database lacks migrations, is newer than this code, or does not answer
 */
export async function startServer(config: ServerConfig, options: StartServerOptions = {}): Promise<RunningServer> {
  const { log = createLog({ name: 'server', level: config.logLevel }), timings, clock, hosted } = options;
  let localUrl: string | null = null;
  const publicOrigin = () => {
    const url = config.publicUrl ?? localUrl;
    if (url === null) throw new Error('The address of the server is known only after it listens.');
    return url;
  };
  const context = createServerContext(config, {
    log,
    publicOrigin,
    ...(timings ? { timings } : {}),
    ...(clock ? { clock } : {}),
  });
  try {
    await Promise.all([
      awaitMigrated(context.db, { graceMs: options.databaseGraceMs ?? 60_000, log }),
      refuseOtherRedis(context.redis, redisGraceMs),
    ]);
    await context.readDatabase();
    await checkIssuer(context);
    const app = await createApp(context, { clientDir: options.clientDir ?? builtClientDir, hosted: hosted ?? null });
    context.sockets.attach(app.server, (request) => !hosted?.handles(request));
    if (hosted) attachHosted(app.server, hosted);
    const closeUnusedConnections = trackUnusedConnections(app.server);
    await listen(app, config);
    const { port } = app.server.address() as AddressInfo; // it listens on TCP
    localUrl = `http://localhost:${port}`;
    context.startLoops();
    log.info({ url: publicOrigin(), host: config.host, port }, 'the server listens');

    let stopped: Promise<void> | null = null;
    const stop = () => (stopped ??= stopServer({ app, context, closeUnusedConnections }));
    return { url: publicOrigin(), port, stop };
  } catch (error) {
    await context.dispose();
    throw error;
  }
}

/** Users from before migration 0013 get the issuer. After a change of the issuer, the log tells who is no longer known. */
async function checkIssuer({ config, db, log }: ServerContext): Promise<void> {
  const issuer = config.oidc.identityIssuer;
  const count = await assignIssuer(db, issuer);
  if (count > 0) log.info({ count, issuer }, 'people of an earlier version belong to this issuer now');
  const formerIssuers = await findFormerIssuers(db, issuer);
  if (formerIssuers.length === 0) return;
  const message =
    'nobody of this issuer is known, but people of others are: whoever signs in is a new person. See "Change the issuer" in the runbook';
  log.warn({ issuer, formerIssuers }, message);
}

function attachHosted(server: Server, hosted: HostedApplication): void {
  server.on('upgrade', (request, socket, head) => {
    if (hosted.handles(request)) hosted.handleUpgrade(request, socket, head);
  });
}

async function stopServer(parts: {
  app: FastifyInstance;
  context: ServerContext;
  closeUnusedConnections: () => void;
}): Promise<void> {
  const { app, context, closeUnusedConnections } = parts;
  context.log.info('the server stops');
  context.beginStop();
  const requestsDone = app.close();
  closeUnusedConnections();
  await context.sockets.stop(socketGraceMs);
  const timeLimit = new AbortController();
  const timeIsUp = delay(requestGraceMs, undefined, { signal: timeLimit.signal }).catch(() => undefined);
  await Promise.race([requestsDone, timeIsUp]);
  timeLimit.abort();
  app.server.closeAllConnections();
  await context.dispose();
}

/**
 * Tracks the connections on which the client has not sent anything. Browsers open such connections in advance, and closing
 * the HTTP server would wait for them. The returned function closes them, and from then on each new connection.
 */
function trackUnusedConnections(server: Server): () => void {
  const connections = new Set<Socket>();
  let isClosing = false;
  server.on('connection', (connection: Socket) => {
    if (isClosing) return void connection.destroy();
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
  });
  return () => {
    isClosing = true;
    for (const connection of connections) if (connection.bytesRead === 0) connection.destroy();
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
