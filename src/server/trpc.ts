/** The tRPC instance: the request context, and the procedure builders. All procedures but two refuse anonymous callers. */
// oxlint-disable-next-line no-restricted-imports -- the one place where builders are made
import { initTRPC, type TRPCError } from '@trpc/server';
import { z } from 'zod';

import type { User } from '../shared/contract/account.ts';
import { AppError } from '../shared/contract/errors.ts';
import type { Right } from '../shared/contract/roles.ts';
import { outageOf } from '../shared/node/db/outage.ts';
import { SpanKind, traced } from '../shared/node/tracing.ts';
import type { Credential } from './auth/identity.ts';
import { shapeOf, toAppError, toTrpcError } from './error-shape.ts';
import type { Services } from './services.ts';

/** Created once per HTTP request or per WebSocket. An unknown caller has `user: null`. */
export interface RequestContext {
  user: User | null;
  credential: Credential | null;
  /** Why the caller is unknown, if the reason is more specific than "not signed in". */
  refusal: AppError | null;
  transport: 'http' | 'websocket';
  /** Of the client, behind the trusted proxies. */
  address: string;
  /** Follows a mutation through the queue to the pod. */
  requestId: string;
  /** Resolves when the client has read most of what it was sent, or when the signal aborts. */
  whenWritable: (signal: AbortSignal) => Promise<void>;
  services: Services;
}

/** What a procedure needs, for tests and documentation. */
export interface ProcedureMeta {
  right: Right;
}

const t = initTRPC
  .context<RequestContext>()
  .meta<ProcedureMeta>()
  .create({
    isDev: false, // errors never contain a stack
    sse: { enabled: false }, // subscriptions use WebSockets, which sign-out can close
    errorFormatter: ({ shape, error }) => shapeOf(toAppError(error), shape.data.path ?? null),
  });

/** Records a span for each call. */
const traceCalls = t.middleware(({ ctx, type, path, next }) => {
  // A subscription lasts as long as its page is open, so it has no span. There is no await here, see below.
  if (type === 'subscription') return next();
  const attributes = { 'opencode.request_id': ctx.requestId };
  return traced(path, { kind: SpanKind.SERVER, attributes }, async () => {
    const result = await next();
    if (!result.ok) throw result.error;
    return result;
  });
});

/** Gives every AppError its own code and HTTP status in the response. */
const translateErrors = t.middleware(async ({ next }) => {
  const result = await next();
  if (result.ok) return result;
  throw toTrpcError(toAppError(result.error));
});

/**
 * Only subscriptions use WebSockets: the rate limits of HTTP do not apply to the calls in a frame. There is no await here,
 * because an unsubscribe that arrives while a middleware awaits would be lost.
 */
const refuseCallsOnSocket = t.middleware(({ ctx, type, next }) => {
  if (ctx.transport === 'websocket' && type !== 'subscription') {
    throw new AppError('UNSUPPORTED', 'Send queries and mutations over HTTP: the socket serves only subscriptions.');
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

/** An input that is not valid acts on nothing, and would fill the log. A database that is away cannot take an entry. */
function isUnrecorded(error: TRPCError): boolean {
  return toAppError(error).code === 'VALIDATION_FAILED' || outageOf(error.cause) !== null;
}

/** Records each change that a person has tried in the audit log. */
const recordMutations = t.middleware(({ ctx, type, path, getRawInput, next }) => {
  // There is no await here, see above.
  if (type !== 'mutation' || !ctx.user) return next();
  const caller = { ...ctx, user: ctx.user };
  return (async () => {
    const result = await next();
    if (!result.ok && isUnrecorded(result.error)) return result;
    await ctx.services.audit.record(caller, {
      action: path,
      outcome: result.ok ? 'done' : toAppError(result.error).code,
      input: await getRawInput().catch(() => undefined),
      result: result.ok ? result.data : undefined,
    });
    return result;
  })();
});

/** Their rows have no versions. A session must end in any case. */
const withoutVersions = /^(?:admin|auth|devices|files|models|sessions|tokens)\./;
/** Commands also come from elsewhere, and check there. A create returns a new project, unless it is repeated. */
const checksItself = /^projects\.(?:create|start|stop|restart|retry|trash|delete)$/;

/**
 * After a restore of the database the versions of all rows have fallen back. They are raised before a mutation changes or returns one,
 * because callers never accept an older version.
 */
const checkRestoredData = t.middleware(({ ctx, type, path, next }) => {
  if (type !== 'mutation' || withoutVersions.test(path) || checksItself.test(path)) return next();
  return (async () => {
    await ctx.services.restoredData.check();
    return await next();
  })();
});

export const router = t.router;
/** The builder of procedures: it requires a signed-in caller. */
export const procedure = t.procedure
  .use(translateErrors)
  .use(traceCalls)
  .use(refuseCallsOnSocket)
  .use(requireUser)
  .use(recordMutations)
  .use(checkRestoredData);
/**
 * For everything about a project. The services find a project only for a caller with a right, so a procedure that names none does not
 * compile. `roles.ts` says which role has it.
 */
export const projectProcedure = (right: Right) =>
  procedure.meta({ right }).use(({ ctx, next }) => next({ ctx: { ...ctx, right } }));
/** The database has just failed to say who calls. Asking it for anything else would double the wait. */
const refuseDuringOutage = t.middleware(({ ctx, next }) => {
  if (ctx.refusal?.code === 'UNAVAILABLE') throw ctx.refusal;
  return next();
});

/** Only for the login of a computer, on which nobody is signed in yet. `authorization.test.ts` knows each of these procedures. */
export const publicProcedure = t.procedure
  .use(translateErrors)
  .use(traceCalls)
  .use(refuseCallsOnSocket)
  .use(refuseDuringOutage);
/** The input of procedures that need none: every field is refused. */
export const noInputSchema = z.strictObject({}).optional();
