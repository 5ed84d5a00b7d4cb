/** The tRPC instance: how a caller is known, and which procedure builders exist. */
// oxlint-disable-next-line no-restricted-imports -- the one place where builders are made
import { initTRPC } from '@trpc/server';
import { z } from 'zod';

import type { User } from '../shared/contract/account.ts';
import { AppError } from '../shared/contract/errors.ts';
import { SpanKind, traced } from '../shared/node/tracing.ts';
import type { Credential } from './auth/identity.ts';
import { shapeOf, toAppError, toTrpcError } from './error-shape.ts';
import type { Services } from './services.ts';

/** Built once a request over HTTP, once a socket over WebSocket. Never throws: an unknown caller is `user: null`. */
export interface RequestContext {
  user: User | null;
  /** What they are known by. */
  credential: Credential | null;
  /** Why the caller is not known, when there is more to say than "not signed in". */
  refusal: AppError | null;
  transport: 'http' | 'websocket';
  /** Follows a mutation through the queue to the pod. */
  requestId: string;
  /** Resolves when the client has taken most of what it was sent, or when the signal aborts. */
  whenWritable: (signal: AbortSignal) => Promise<void>;
  services: Services;
}

const t = initTRPC.context<RequestContext>().create({
  isDev: false, // no stack ever leaves
  sse: { enabled: false }, // subscriptions travel by WebSocket, where sign-out can end them
  errorFormatter: ({ shape, error }) => shapeOf(toAppError(error), shape.data.path ?? null),
});

/** A step of a trace for each call. */
const traceCalls = t.middleware(({ ctx, type, path, next }) => {
  // Subscriptions last as long as their page is open; no await here, see below.
  if (type === 'subscription') return next();
  const attributes = { 'opencode.request_id': ctx.requestId };
  return traced(path, { kind: SpanKind.SERVER, attributes }, async () => {
    const result = await next();
    if (!result.ok) throw result.error;
    return result;
  });
});

/** Lets an AppError thrown anywhere below leave with its own code and HTTP status. */
const translateErrors = t.middleware(async ({ next }) => {
  const result = await next();
  if (result.ok) return result;
  throw toTrpcError(toAppError(result.error));
});

/**
 * Only subscriptions travel by WebSocket: there each frame could hold thousands of calls, and no rate limit sees them.
 * No await here: an unsubscribe that arrives while a middleware awaits would be lost.
 */
const refuseCallsOnSocket = t.middleware(({ ctx, type, next }) => {
  if (ctx.transport === 'websocket' && type !== 'subscription') {
    throw new AppError('UNSUPPORTED', 'Send queries and mutations over HTTP: the socket carries subscriptions alone.');
  }
  return next();
});

const requireUser = t.middleware(({ ctx, next }) => {
  if (!ctx.user) {
    throw (
      ctx.refusal ?? new AppError('UNAUTHENTICATED', 'You are not signed in, or your session has ended. Sign in again.')
    );
  }
  return next({ ctx: { ...ctx, user: ctx.user } });
});

export const router = t.router;
/** For signed-in people alone: there is no other kind of procedure. */
export const procedure = t.procedure.use(translateErrors).use(traceCalls).use(refuseCallsOnSocket).use(requireUser);
/** The input of procedures that need none: anything in it is refused. */
export const noInputSchema = z.strictObject({}).optional();
