/**
 * The WebSocket side of `/trpc`: who may connect, for how long, and how it ends. Cookies are checked at the handshake,
 * together with Origin; the SDK sends its token in the first message. A socket closes with 4401 when the session or the
 * token under it ends.
 */

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

import { getWSConnectionHandler } from '@trpc/server/adapters/ws';
import { WebSocketServer, type WebSocket } from 'ws';

import type { AppError } from '../../shared/contract/errors.ts';
import type { Log } from '../../shared/node/log.ts';
import type { Credential, Identify, Identity } from '../auth/identity.ts';
import { toAppError } from '../error-shape.ts';
import { clientAddress } from '../http/client-address.ts';
import { originRefusal } from '../http/origin.ts';
import type { RateLimits } from '../http/rate-limit.ts';
import { anonymousSocketMs, maxMessageBytes, maxStallMs } from '../limits.ts';
import { appRouter } from '../router.ts';
import type { Services } from '../services.ts';
import type { RequestContext } from '../trpc.ts';
import { guardSocket } from './guarded-socket.ts';

/** The code that tells a client: sign in again, reconnecting alone will not help. */
const signedOutCode = 4401;
/** A peer that has been silent for so long is asked for a sign of life; clients of ours ping before that. */
const pingAfterMs = 30_000;
/** A peer that has been silent for so long is gone. */
const goneAfterMs = 60_000;
/** Longer than any look-up of a caller takes: the database has an answer within seconds, or none. */
const rememberEndedMs = 10_000;
/** Longest delay of Node's timers. */
const maxTimerMs = 2 ** 31 - 1;

export interface SocketServer {
  /** Takes over the upgrades of this HTTP server. */
  attach: (server: Server) => void;
  /** Closes every socket under this credential. */
  closeCredential: (credential: Pick<Credential, 'kind' | 'id'>) => void;
  /** The credentials under which sockets are open. */
  openCredentials: () => Pick<Credential, 'kind' | 'id'>[];
  socketCount: () => number;
  subscriptionCount: () => number;
  /** Tells every client to connect again, elsewhere, and ends what is still open after `graceMs`. */
  stop: (graceMs: number) => Promise<void>;
}

export interface SocketServerDeps {
  identify: Identify;
  services: Services;
  publicOrigin: () => string;
  rateLimits: RateLimits;
  /** How many proxies before us may say who the client is. */
  trustedProxies: number;
  now: () => number;
  log: Log;
}

interface Connection {
  socket: WebSocket;
  credential: Credential | null;
  lastHeardMs: number;
  subscriptionCount(): number;
}

export function createSocketServer(deps: SocketServerDeps): SocketServer {
  const { identify, services, publicOrigin, rateLimits, trustedProxies, now, log } = deps;
  const wss = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, perMessageDeflate: false });
  const connections = new Set<Connection>();
  /** Credentials that have just ended: a look-up under way may still find them alive. */
  const justEnded = new Set<string>();
  let stopping = false;
  let pinging: NodeJS.Timeout | undefined;

  function pingTheSilent(): void {
    for (const { socket, lastHeardMs } of connections) {
      const silentMs = now() - lastHeardMs;
      if (silentMs > goneAfterMs) socket.terminate();
      else if (silentMs > pingAfterMs) socket.send('PING', () => undefined); // tRPC's own word for it
    }
  }

  function addressOf({ socket, headers }: IncomingMessage): string {
    const forwardedFor = [headers['x-forwarded-for'] ?? []].flat().join(',');
    return clientAddress({ peer: socket.remoteAddress, forwardedFor }, trustedProxies);
  }

  function upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    stream.on('error', destroyThis); // a client that goes away during the handshake
    const url = URL.parse(request.url ?? '/', 'http://localhost');
    if (url?.pathname !== '/trpc') return refuseUpgrade(stream, 404, 'There is no WebSocket here. Use /trpc.');
    if (stopping) return refuseUpgrade(stream, 503, 'The server is stopping. Connect again.');
    const address = addressOf(request);
    const excess = refusalOf(() => rateLimits.admitHandshake(address));
    if (excess) return refuseUpgrade(stream, 429, excess.message, excess.retryAfterSeconds);
    const refusal = originRefusal(request.headers.origin, publicOrigin());
    if (refusal) return refuseUpgrade(stream, 403, refusal);
    const expectsParams = url.searchParams.get('connectionParams') === '1';
    wss.handleUpgrade(request, stream, head, (socket) => {
      serve(socket, address, expectsParams ? null : identify.fromHeaders(request.headers));
    });
  }

  /**
   * What is named in here lives as long as the socket; the request and its headers, some kilobytes, are not.
   * @param named whom the headers name; `null`: the first message does
   */
  function serve(socket: WebSocket, address: string, named: Promise<Identity> | null): void {
    const requestId = randomUUID();
    const expectsParams = named === null;
    const opened = Promise.withResolvers<Identity>();
    if (named) opened.resolve(named);
    const guard = guardSocket(socket, {
      expectsParams,
      opened: opened.promise,
      maxStallMs,
      admitCall: async () => {
        const { user } = await opened.promise;
        return refusalOf(() => rateLimits.admitCalls({ userId: user?.id ?? null, address }, 1));
      },
    });
    const connection: Connection = {
      socket,
      credential: null,
      lastHeardMs: now(),
      subscriptionCount: guard.subscriptionCount,
    };
    connections.add(connection);
    const closeAfter = (ms: number, why: string) =>
      setTimeout(() => socket.close(signedOutCode, why), Math.min(ms, maxTimerMs));
    let ending = closeAfter(anonymousSocketMs, 'Nobody is signed in on this socket. Sign in first.');
    const signedIn = (identity: Identity): void => {
      if (socket.readyState !== socket.OPEN) return;
      connection.credential = identity.credential;
      if (identity.credential && justEnded.has(nameOf(identity.credential))) {
        socket.close(signedOutCode, 'The session has ended.');
      }
      // Who somebody is cannot be said now: an answer would be wrong and final, a closed socket is tried again.
      if (identity.refusal?.code === 'UNAVAILABLE' || identity.refusal?.code === 'INTERNAL') {
        socket.close(1013, identity.refusal.message.slice(0, 100)); // a close frame has room for little more
      }
      if (!identity.credential) return;
      clearTimeout(ending);
      const { expiresAt } = identity.credential;
      if (expiresAt) ending = closeAfter(expiresAt.getTime() - now(), 'The session has ended.');
    };
    void opened.promise.then(signedIn);

    const heard = () => {
      connection.lastHeardMs = now();
    };
    socket.on('message', heard);
    socket.once('close', () => {
      clearTimeout(ending);
      connections.delete(connection);
    });

    getWSConnectionHandler({
      router: appRouter,
      wss,
      experimental_encoder: guard.encoder,
      createContext: async ({ info }): Promise<RequestContext> => {
        if (expectsParams) opened.resolve(identify.fromToken(info.connectionParams?.['token'] ?? ''));
        const { user, credential, refusal } = await opened.promise;
        return {
          user,
          credential,
          refusal,
          transport: 'websocket',
          requestId,
          whenWritable: guard.whenWritable,
          services,
        };
      },
      onError({ error, path }) {
        if (toAppError(error).code === 'INTERNAL')
          log.error({ err: error.cause ?? error, requestId, path }, 'subscription failed');
      },
    })(guard.facade, handshakeOf(expectsParams));
  }

  return {
    attach(server) {
      server.on('upgrade', upgrade);
      pinging ??= setInterval(pingTheSilent, 10_000);
    },
    closeCredential({ kind, id }) {
      const name = nameOf({ kind, id });
      justEnded.add(name);
      setTimeout(() => justEnded.delete(name), rememberEndedMs).unref();
      for (const { socket, credential } of connections) {
        if (credential?.kind === kind && credential.id === id) socket.close(signedOutCode, 'The session has ended.');
      }
    },
    openCredentials: () => [...connections].flatMap(({ credential }) => (credential ? [credential] : [])),
    socketCount: () => connections.size,
    subscriptionCount: () => [...connections].reduce((sum, connection) => sum + connection.subscriptionCount(), 0),
    async stop(graceMs) {
      stopping = true;
      clearInterval(pinging);
      const closed = [...connections].map(({ socket }) => {
        socket.send(JSON.stringify({ id: null, method: 'reconnect' }), () => undefined);
        return new Promise<void>((resolve) => socket.once('close', () => resolve()));
      });
      const grace = Promise.withResolvers<void>();
      const timer = setTimeout(grace.resolve, graceMs);
      await Promise.race([Promise.all(closed), grace.promise]);
      clearTimeout(timer);
      for (const { socket } of connections) socket.terminate();
      wss.close();
    },
  };
}

/** A listener that holds on to nothing else: it stays as long as the stream. */
function destroyThis(this: Duplex): void {
  this.destroy();
}

/** What tRPC reads of the request that became a socket: whether the caller is named in the first message. */
function handshakeOf(expectsParams: boolean): IncomingMessage {
  return { url: expectsParams ? '/trpc?connectionParams=1' : '/trpc', headers: {} } as IncomingMessage;
}

function nameOf({ kind, id }: Pick<Credential, 'kind' | 'id'>): string {
  return `${kind} ${id}`;
}

function refusalOf(admit: () => void): AppError | null {
  try {
    admit();
    return null;
  } catch (error) {
    return toAppError(error);
  }
}

function refuseUpgrade(
  stream: Duplex,
  status: 403 | 404 | 429 | 503,
  message: string,
  retryAfterSeconds: number | null = null,
): void {
  const words = { 403: 'Forbidden', 404: 'Not Found', 429: 'Too Many Requests', 503: 'Service Unavailable' }[status];
  const wait = retryAfterSeconds === null ? '' : `Retry-After: ${retryAfterSeconds}\r\n`;
  // Nobody reads this line any more, so its end would never be seen and it would stay for ever.
  stream.once('finish', () => stream.destroy());
  stream.end(
    `HTTP/1.1 ${status} ${words}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n` +
      `X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n${wait}` +
      `Content-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`,
  );
}
