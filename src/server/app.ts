/** The HTTP application, apart from listening: routes, headers, limits, and one line of log a request. */

import { randomUUID } from 'node:crypto';

import { fastify, type FastifyInstance, type FastifyReply } from 'fastify';

import { registerAuthRoutes } from './auth/routes.ts';
import type { ServerContext } from './context.ts';
import { shapeOf } from './error-shape.ts';
import { registerHealthRoutes } from './health/routes.ts';
import { registerClientFiles } from './http/client-files.ts';
import { headersOfUnreadable, registerSecurityHeaders } from './http/security-headers.ts';
import { ofFastify, registerTrpcRoutes } from './http/trpc-routes.ts';
import { refuseUnreadable } from './http/unreadable.ts';
import { httpTimeoutMs, maxMessageBytes } from './limits.ts';
import { procedureNames } from './router.ts';

/** @param clientDir the folder of the built user interface */
export async function createApp(
  context: ServerContext,
  { clientDir }: { clientDir: string },
): Promise<FastifyInstance> {
  const { config, log, metrics } = context;
  const app = fastify({
    logger: false, // our own line below says what matters, and never a query: it may hold a code of the issuer
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    clientErrorHandler: refuseUnreadable,
    bodyLimit: maxMessageBytes,
    http: { connectionsCheckingInterval: 1_000 }, // else Node looks only twice a minute whose time is up
    connectionTimeout: httpTimeoutMs,
    requestTimeout: httpTimeoutMs,
    handlerTimeout: httpTimeoutMs,
    keepAliveTimeout: 72_000, // longer than the usual minute of a load balancer, which must be the one to hang up
    forceCloseConnections: 'idle',
    trustProxy: (_address, hop) => hop < config.trustedProxies,
    routerOptions: { maxParamLength: 5_000 }, // a batch names all its procedures in the path
    return503OnClosing: false, // what still comes on a line that is open is served, and the line closed after it
    frameworkErrors: (error, request, reply: FastifyReply) => {
      const shape = shapeOf(ofFastify(error));
      void reply
        .headers(headersOfUnreadable)
        .header('x-request-id', request.id)
        .code(shape.data.httpStatus)
        .send({ error: shape });
    },
  });

  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  app.addHook('onSend', async (request, reply) => {
    // Also to those whose request came before: a line that is kept would hold up the end until it falls silent. And to
    // whoever was answered before all of the body had come: nobody reads the rest.
    if (closing || !request.raw.complete) reply.header('connection', 'close');
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = routeOf(request.routeOptions.url, request.params);
    const seconds = reply.elapsedTime / 1000;
    metrics.observeRequest({ method: request.method, route, status: reply.statusCode, seconds });
    log.info(
      {
        requestId: request.id,
        method: request.method,
        route,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      'request',
    );
  });

  const isHttps = config.publicUrl?.startsWith('https:') ?? false;
  await registerSecurityHeaders(app, { issuerOrigin: new URL(config.oidc.issuer).origin, isHttps });

  app.setErrorHandler((error, request, reply) => {
    const appError = ofFastify(error);
    if (appError.code === 'INTERNAL') log.error({ err: error, requestId: request.id }, 'a request failed');
    return reply.code(shapeOf(appError).data.httpStatus).send({ error: shapeOf(appError) });
  });

  registerHealthRoutes(app, context);
  await app.register(async (trpc) => registerTrpcRoutes(trpc, context));
  await app.register(async (auth) => {
    auth.addHook('onRequest', async (request) => context.rateLimits.admitSignIn(request.ip));
    // A form that only signs out: its fields are of no interest.
    auth.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, _body, done) =>
      done(null, null),
    );
    registerAuthRoutes(auth, context.auth);
  });
  await registerClientFiles(app, clientDir);
  return app;
}

/** A name from a closed list, for logs and metrics: clients make up URLs as they like. */
function routeOf(pattern: string | undefined, params: unknown): string {
  if (pattern !== '/trpc/:path') return pattern ?? 'other';
  const { path } = params as { path: string }; // the pattern has this one parameter
  if (procedureNames.has(path)) return path;
  return path.includes(',') ? 'batch' : 'unknown procedure';
}
