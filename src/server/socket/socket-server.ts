/**
 * The WebSocket side of `/trpc`: accepts handshakes, knows all open connections, and ends them. Cookies and the origin are
 * checked at the handshake; the SDK sends its token in the first message. A socket closes with 4401 when the session or
 * token of its caller ends.
 */

import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

import { WebSocketServer } from 'ws';

import type { Clock } from '../../shared/clock.ts';
import { clientAddress } from '../../shared/node/client-address.ts';
import type { Log } from '../../shared/node/log.ts';
import type { Credential, Identify } from '../auth/identity.ts';
import type { RateLimits } from '../http/rate-limit.ts';
import { maxMessageBytes } from '../limits.ts';
import type { Services } from '../services.ts';
import { closeSocket } from './close-socket.ts';
import { refusalOf, serveConnection, signedOutCode, type Connection } from './connection.ts';
import { expectsConnectionParams, upgradeRefusal, writeRefusal } from './upgrade.ts';

const pingIntervalMs = 10_000;
/** A peer that was silent for this long is pinged. Our browser client pings before that. */
const pingAfterMs = 30_000;
/** A peer that was silent for this long is dead. */
const deadAfterMs = 60_000;
/** Longer than any identification of a caller takes: the database answers or fails within seconds. */
const rememberRevokedMs = 10_000;

type CredentialKey = Pick<Credential, 'kind' | 'id'>;

export interface SocketServer {
  /** Handles the upgrade requests of this HTTP server: all of them, or those for which `isOurs` is true. */
  attach: (server: Server, isOurs?: (request: IncomingMessage) => boolean) => void;
  /** Closes every socket of this credential. */
  closeCredential: (credential: CredentialKey) => void;
  /** The credentials of all open sockets. */
  openCredentials: () => CredentialKey[];
  socketCount: () => number;
  /** Asks every client to connect to another server, and ends what is still open after `graceMs`. */
  stop: (graceMs: number) => Promise<void>;
}

interface SocketServerDeps {
  identify: Identify;
  services: Services;
  publicOrigin: () => string;
  rateLimits: RateLimits;
  /** How many proxies in front of this server may state the client's address. */
  trustedProxies: number;
  /** How many sockets one user may have open. */
  maxSocketsPerUser: number;
  clock: Clock;
  log: Log;
}

export function createSocketServer(deps: SocketServerDeps): SocketServer {
  const { identify, rateLimits, publicOrigin } = deps;
  const wss = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, perMessageDeflate: false });
  const connections = new Set<Connection>();
  const revoked = createRecentRevocations();
  const addSocketOf = createSocketCounts(deps.maxSocketsPerUser);
  const connectionDeps = { ...deps, wss, isRevoked: revoked.has, addSocketOf };
  let isStopping = false;
  let pinging: NodeJS.Timeout | undefined;

  function upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    stream.on('error', destroyThis); // the client may disconnect during the handshake
    const address = addressOf(request, deps.trustedProxies);
    const admit = () => refusalOf(() => rateLimits.admitHandshake(address));
    const refusal = upgradeRefusal(request, { isStopping, publicOrigin: publicOrigin(), admit });
    if (refusal) return writeRefusal(stream, refusal);
    const expectsParams = expectsConnectionParams(request.url);
    wss.handleUpgrade(request, stream, head, (socket) => {
      const named = expectsParams ? null : identify.fromHeaders(request.headers);
      const connection = serveConnection(connectionDeps, socket, { address, named });
      connections.add(connection);
      socket.once('close', () => connections.delete(connection));
    });
  }

  return {
    attach(server, isOurs = () => true) {
      server.on('upgrade', (request, stream, head) => {
        if (isOurs(request)) upgrade(request, stream, head);
      });
      pinging ??= setInterval(() => pingSilent(connections), pingIntervalMs);
    },
    closeCredential({ kind, id }) {
      revoked.add({ kind, id });
      for (const { socket, credential } of connections) {
        const { kind: itsKind, id: itsId } = credential() ?? {};
        if (itsKind === kind && itsId === id) closeSocket(socket, signedOutCode, 'The session has ended.');
      }
    },
    openCredentials: () => [...connections].flatMap(({ credential }) => credential() ?? []),
    socketCount: () => connections.size,
    async stop(graceMs) {
      isStopping = true;
      clearInterval(pinging);
      await moveAway(connections, graceMs);
      wss.close();
    },
  };
}

/** Credentials that were revoked just now: an identification under way may still find them valid. */
function createRecentRevocations(): { add: (key: CredentialKey) => void; has: (key: CredentialKey) => boolean } {
  const names = new Set<string>();
  return {
    add(key) {
      const name = nameOf(key);
      names.add(name);
      setTimeout(() => names.delete(name), rememberRevokedMs).unref();
    },
    has: (key) => names.has(nameOf(key)),
  };
}

/** Counts the open sockets of each user. See `ConnectionDeps.addSocketOf`. */
function createSocketCounts(maxPerUser: number): (userId: string) => (() => void) | null {
  const counts = new Map<string, number>();
  return (userId) => {
    const count = counts.get(userId) ?? 0;
    if (count >= maxPerUser) return null;
    counts.set(userId, count + 1);
    return () => {
      const left = (counts.get(userId) ?? 1) - 1;
      if (left === 0) counts.delete(userId);
      else counts.set(userId, left);
    };
  };
}

function nameOf({ kind, id }: CredentialKey): string {
  return `${kind} ${id}`;
}

function pingSilent(connections: Iterable<Connection>): void {
  for (const { socket, silentMs } of connections) {
    if (silentMs() > deadAfterMs) socket.terminate();
    else if (silentMs() > pingAfterMs) socket.send('PING', () => undefined); // tRPC's own ping message
  }
}

/** Asks the clients to reconnect, waits until they have closed, and ends the rest. */
async function moveAway(connections: ReadonlySet<Connection>, graceMs: number): Promise<void> {
  const closed = [...connections].map(({ socket }) => {
    socket.send(JSON.stringify({ id: null, method: 'reconnect' }), () => undefined);
    return new Promise<void>((resolve) => socket.once('close', () => resolve()));
  });
  const grace = Promise.withResolvers<void>();
  const timer = setTimeout(grace.resolve, graceMs);
  await Promise.race([Promise.all(closed), grace.promise]);
  clearTimeout(timer);
  for (const { socket } of connections) socket.terminate();
}

function addressOf({ socket, headers }: IncomingMessage, trustedProxies: number): string {
  const forwardedFor = [headers['x-forwarded-for'] ?? []].flat().join(',');
  return clientAddress({ peer: socket.remoteAddress, forwardedFor }, trustedProxies);
}

/** This listener captures nothing, because it stays as long as the stream. */
function destroyThis(this: Duplex): void {
  this.destroy();
}
