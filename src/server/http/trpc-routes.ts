/** tRPC over HTTP, with the limits that tRPC's adapter lacks. */

import { fastifyRequestHandler } from '@trpc/server/adapters/fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { AppError } from '../../shared/contract/errors.ts';
import type { Log } from '../../shared/node/log.ts';
import { bearerOf, type Identify, type Identity } from '../auth/identity.ts';
import { shapeOf, toAppError } from '../error-shape.ts';
import { maxBatchSize, maxConfigCallBytes, maxWriteCallBytes } from '../limits.ts';
import { appRouter, subscriptionNames } from '../router.ts';
import type { Services } from '../services.ts';
import type { RequestContext } from '../trpc.ts';
import { changeRefusal } from './origin.ts';
import type { RateLimits } from './rate-limit.ts';

interface TrpcRoutesDeps {
  identify: Identify;
  services: Services;
  publicOrigin: () => string;
  rateLimits: RateLimits;
  log: Log;
}

export function registerTrpcRoutes(app: FastifyInstance, deps: TrpcRoutesDeps): void {
  const { identify, services, publicOrigin, rateLimits, log } = deps;

  // tRPC parses the body itself.
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => done(null, body));

  app.addHook('onRequest', async (request) => {
    rateLimits.admitRequest(request.ip);
    // Another site's page cannot send a bearer token, so only requests without one need the check. Basic credentials do not
    // count: browsers send those of a proxy in front of us automatically.
    const needsOriginCheck = bearerOf(request.headers) === null && !['GET', 'HEAD'].includes(request.method);
    const refusal = needsOriginCheck ? changeRefusal(request.headers, publicOrigin()) : null;
    if (refusal) throw new AppError('FORBIDDEN', refusal);
  });

  const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']; // tRPC decides which methods a procedure accepts
  // Fastify cannot measure the length of tRPC's response.
  const route = { method: methods, exposeHeadRoute: false };
  app.route<{ Params: { path: string } }>({
    ...route,
    url: '/trpc/:path',
    handler: async (request, reply) => {
      const { path } = request.params;
      await answer(await identify.fromHeaders(request.headers), { path, request, reply });
    },
  });

  // The calls with large bodies, which are read only for people who are signed in. In a batch they have the limit of all others.
  const writers = new WeakMap<FastifyRequest, Identity>();
  for (const { path, bodyLimit, message } of largeCalls)
    app.route({
      ...route,
      url: `/trpc/${path}`,
      bodyLimit,
      onRequest: async (request) => {
        const caller = await identify.fromHeaders(request.headers);
        if (caller.user === null) throw caller.refusal ?? notSignedIn();
        writers.set(request, caller);
      },
      errorHandler: (error, _request, reply) => {
        refuse(reply, isTooLarge(error) ? new AppError('PAYLOAD_TOO_LARGE', message) : fromFastifyError(error));
      },
      handler: async (request, reply) => {
        const caller = writers.get(request) ?? (await identify.fromHeaders(request.headers));
        await answer(caller, { path, request, reply });
      },
    });

  async function answer(
    caller: Identity,
    { path, request, reply }: { path: string; request: FastifyRequest; reply: FastifyReply },
  ): Promise<void> {
    // tRPC decodes the path again and would report a malformed escape as a fault of the server.
    if (!/^[A-Za-z0-9_.,]+$/.test(path)) throw new AppError('NOT_FOUND', 'There is no such procedure. Check its name.');
    if (subscriptionNames.has(path)) {
      throw new AppError('UNSUPPORTED', 'Subscriptions are available only by WebSocket. Connect to /trpc.');
    }
    // A batch counts as its number of calls. tRPC refuses a batch that is too large as a whole.
    const count = Math.min(path.split(',').length, maxBatchSize);
    // During an outage the caller cannot be identified, and must not be counted as anonymous.
    const isOutage = caller.refusal?.code === 'UNAVAILABLE' || caller.refusal?.code === 'INTERNAL';
    if (!isOutage) rateLimits.admitCalls({ userId: caller.user?.id ?? null, address: request.ip }, count);
    await fastifyRequestHandler({
      router: appRouter,
      req: request,
      res: reply,
      path,
      maxBatchSize,
      createContext: async (): Promise<RequestContext> => {
        const { user, credential, refusal } = caller;
        return {
          user,
          credential,
          refusal,
          transport: 'http',
          address: request.ip,
          requestId: request.id,
          whenWritable: () => Promise.resolve(), // there are no subscriptions over HTTP
          services,
        };
      },
      responseMeta({ errors }) {
        const waits = errors.map((error) => toAppError(error).retryAfterSeconds).filter((wait) => wait !== null);
        return waits.length > 0 ? { headers: { 'retry-after': String(Math.max(...waits)) } } : {};
      },
      onError({ error, path: procedure }) {
        if (toAppError(error).code !== 'INTERNAL') return;
        log.error({ err: error.cause ?? error, requestId: request.id, procedure }, 'a procedure failed');
      },
    });
  }

  app.setErrorHandler((error, request, reply) => {
    const appError = fromFastifyError(error);
    if (appError.code === 'INTERNAL') log.error({ err: error, requestId: request.id }, 'a request failed');
    return refuse(reply, appError);
  });
}

/** Sends an error in the shape that tRPC's errors have. */
export function refuse(reply: FastifyReply, error: AppError): FastifyReply {
  const shape = shapeOf(error);
  if (error.retryAfterSeconds !== null) reply.header('retry-after', String(error.retryAfterSeconds));
  return reply.code(shape.data.httpStatus).send({ error: shape });
}

const largeCalls = [
  {
    path: 'files.write',
    bodyLimit: maxWriteCallBytes,
    message: 'The text is too large: at most 5 MiB can be saved. Upload the file instead.',
  },
  {
    path: 'config.save',
    bodyLimit: maxConfigCallBytes,
    message: 'The configuration is too large: at most 64 KiB can be saved.',
  },
];
const isTooLarge = (error: unknown): boolean => (error as { statusCode?: unknown }).statusCode === 413;

export function notSignedIn(): AppError {
  return new AppError('UNAUTHENTICATED', 'You are not signed in, or your session has ended. Sign in again.');
}

/** Translates what Fastify refuses before tRPC handles it: too large, wrong media type, broken framing. */
export function fromFastifyError(error: unknown): AppError {
  const status = (error as { statusCode?: unknown }).statusCode;
  if (status === 503) {
    // Fastify aborts a response that takes too long, and refuses requests while it closes.
    return new AppError('UNAVAILABLE', 'The server could not answer in time. Try again in a few seconds.', {
      retryAfterSeconds: 2,
      cause: error,
    });
  }
  if (error instanceof AppError || typeof status !== 'number' || status < 400 || status >= 500)
    return toAppError(error);
  switch (status) {
    case 414:
      return new AppError('PAYLOAD_TOO_LARGE', 'The path is too long. Send fewer calls at once.');
    case 404:
      return new AppError('NOT_FOUND', 'There is nothing here. Check the path.');
    case 405:
    case 415:
      return new AppError('UNSUPPORTED', 'Send the request as application/json.');
    case 413:
      return new AppError('PAYLOAD_TOO_LARGE', 'The request is too large: at most 64 KiB are read. Send less at once.');
    case 429:
      return new AppError('RATE_LIMITED', 'Too many requests. Wait a moment and try again.', { retryAfterSeconds: 10 });
    default:
      return new AppError('VALIDATION_FAILED', 'The request could not be read. Check how it was sent.');
  }
}
