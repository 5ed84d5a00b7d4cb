/**
 * One open WebSocket: it finds out who the caller is, closes when nobody signs in, when the credential expires or when it
 * was revoked, and hands the calls to tRPC.
 */

import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

import { getWSConnectionHandler } from '@trpc/server/adapters/ws';
import type { WebSocket, WebSocketServer } from 'ws';

import type { Clock } from '../../shared/clock.ts';
import type { AppError } from '../../shared/contract/errors.ts';
import type { Log } from '../../shared/node/log.ts';
import type { Credential, Identify, Identity } from '../auth/identity.ts';
import { toAppError } from '../error-shape.ts';
import type { RateLimits } from '../http/rate-limit.ts';
import { anonymousSocketMs, maxStallMs } from '../limits.ts';
import { appRouter } from '../router.ts';
import type { Services } from '../services.ts';
import type { RequestContext } from '../trpc.ts';
import { closeSocket } from './close-socket.ts';
import { guardSocket } from './guarded-socket.ts';

/** This close code means: sign in again, because reconnecting does not help. */
export const signedOutCode = 4401;
/** This close code means: connect again later. */
const tryAgainLaterCode = 1013;
/** The longest delay of Node's timers. */
const maxTimerMs = 2 ** 31 - 1;

interface ConnectionDeps {
  identify: Identify;
  services: Services;
  rateLimits: RateLimits;
  clock: Clock;
  log: Log;
  wss: WebSocketServer;
  /** Whether this credential was revoked while the caller was being identified. */
  isRevoked: (credential: Credential) => boolean;
  /** Counts one more socket of this user, until the returned function is called; `null` if there are too many. */
  addSocketOf: (userId: string) => (() => void) | null;
}

export interface Connection {
  socket: WebSocket;
  credential: () => Credential | null;
  silentMs: () => number;
}

/**
 * Everything that is captured here lives as long as the socket. The handshake request, some kilobytes, must not be
 * captured.
 * @param caller.named the caller whom the headers name; `null` if the first message names the caller
 */
export function serveConnection(
  deps: ConnectionDeps,
  socket: WebSocket,
  caller: { address: string; named: Promise<Identity> | null },
): Connection {
  const { rateLimits, clock } = deps;
  const { address, named } = caller;
  const identity = Promise.withResolvers<Identity>();
  let userId: string | null = null;
  if (named) identity.resolve(named);
  const guard = guardSocket(socket, {
    expectsParams: named === null,
    opened: identity.promise,
    maxStallMs,
    admitCall: async () => {
      const { user } = await identity.promise;
      return refusalOf(() => rateLimits.admitCalls({ userId: user?.id ?? null, address }, 1));
    },
    admitMessages: (count) => refusalOf(() => rateLimits.admitMessages({ userId, address }, count)),
  });

  let credential: Credential | null = null;
  let lastMessageAtMs = clock.monotonic();
  socket.on('message', () => {
    lastMessageAtMs = clock.monotonic();
  });
  closeWhenUnauthorised(deps, socket, identity.promise, (known) => {
    ({ credential } = known);
    userId = known.user?.id ?? null;
  });
  handleCalls(deps, guard, {
    identity: identity.promise,
    address,
    ...(named ? {} : { onToken: (token: string) => identity.resolve(deps.identify.fromToken(token)) }),
  });
  return {
    socket,
    credential: () => credential,
    silentMs: () => clock.monotonic() - lastMessageAtMs,
  };
}

/** What happens to a socket once its caller was identified: pure, so that every case can be tested. */
export function actionOnIdentity(
  { credential, refusal }: Identity,
  { isRevoked, nowMs }: { isRevoked: boolean; nowMs: number },
):
  | { kind: 'close'; code: number; reason: string }
  | { kind: 'await-sign-in' }
  | { kind: 'keep'; forMs: number | null } {
  // An outage prevents identification. An answer would be wrong and final, but a closed socket is opened again.
  if (refusal?.code === 'UNAVAILABLE' || refusal?.code === 'INTERNAL') {
    return { kind: 'close', code: tryAgainLaterCode, reason: refusal.message };
  }
  if (!credential) return { kind: 'await-sign-in' };
  if (isRevoked) return { kind: 'close', code: signedOutCode, reason: 'The session has ended.' };
  return { kind: 'keep', forMs: credential.expiresAt ? credential.expiresAt.getTime() - nowMs : null };
}

function closeWhenUnauthorised(
  { clock, isRevoked, addSocketOf }: ConnectionDeps,
  socket: WebSocket,
  identity: Promise<Identity>,
  onKnown: (known: Identity) => void,
): void {
  const closeAfter = (ms: number, reason: string) =>
    setTimeout(() => closeSocket(socket, signedOutCode, reason), Math.min(ms, maxTimerMs));
  let timer = closeAfter(anonymousSocketMs, 'Nobody is signed in on this socket. Sign in first.');
  socket.once('close', () => clearTimeout(timer));
  const onIdentified = (known: Identity): void => {
    if (socket.readyState !== socket.OPEN) return;
    onKnown(known);
    const revoked = known.credential !== null && isRevoked(known.credential);
    const action = actionOnIdentity(known, { isRevoked: revoked, nowMs: clock.now() });
    if (action.kind === 'close') closeSocket(socket, action.code, action.reason);
    if (action.kind === 'await-sign-in') return;
    clearTimeout(timer);
    if (action.kind === 'close') return;
    const remove = known.user ? addSocketOf(known.user.id) : null;
    if (remove === null)
      return closeSocket(socket, tryAgainLaterCode, 'You have too many open connections. Close some.');
    socket.once('close', remove);
    if (action.forMs !== null) timer = closeAfter(action.forMs, 'The session has ended.');
  };
  void identity.then(onIdentified);
}

function handleCalls(
  { services, log, wss }: ConnectionDeps,
  guard: ReturnType<typeof guardSocket>,
  { identity, address, onToken }: { identity: Promise<Identity>; address: string; onToken?: (token: string) => void },
): void {
  const requestId = randomUUID();
  getWSConnectionHandler({
    router: appRouter,
    wss,
    experimental_encoder: guard.encoder,
    createContext: async ({ info }): Promise<RequestContext> => {
      onToken?.(info.connectionParams?.['token'] ?? '');
      const { user, credential, refusal } = await identity;
      const { whenWritable } = guard;
      return { user, credential, refusal, transport: 'websocket', address, requestId, whenWritable, services };
    },
    onError({ error, path }) {
      if (toAppError(error).code !== 'INTERNAL') return;
      log.error({ err: error.cause ?? error, requestId, path }, 'subscription failed');
    },
  })(guard.facade, handshakeFor({ expectsParams: onToken !== undefined }));
}

/** What tRPC reads of the handshake request: whether the first message names the caller. */
function handshakeFor({ expectsParams }: { expectsParams: boolean }): IncomingMessage {
  return { url: expectsParams ? '/trpc?connectionParams=1' : '/trpc', headers: {} } as IncomingMessage;
}

/** The error that `admit` throws, or `null`. */
export function refusalOf(admit: () => void): AppError | null {
  try {
    admit();
    return null;
  } catch (error) {
    return toAppError(error);
  }
}
