/** The HTTP application without listening: routes, headers, limits, and one log line per request. */

import { randomUUID } from 'node:crypto';

import { fastify, type FastifyInstance, type FastifyReply } from 'fastify';

import { registerAuthRoutes } from './auth/routes.ts';
import type { ServerContext } from './context.ts';
import { shapeOf } from './error-shape.ts';
import { registerFileRoutes } from './files/routes.ts';
import { registerHealthRoutes } from './health/routes.ts';
import { registerClientFiles } from './http/client-files.ts';
import { hostingServerFactory, type HostedApplication } from './http/hosted-application.ts';
import { headersOfUnreadable, registerSecurityHeaders } from './http/security-headers.ts';
import { fromFastifyError, registerTrpcRoutes } from './http/trpc-routes.ts';
import { refuseUnreadable } from './http/unreadable.ts';
import { httpTimeoutMs, maxMessageBytes } from './limits.ts';
import { procedureNames } from './router.ts';

/** Longer than a load balancer's usual minute: the load balancer must close first. */
const keepAliveTimeoutMs = 72_000;

/**
 * @param options.clientDir the folder of the built user interface
 * @param options.hosted another application in the same listener
 */
export async function createApp(
  context: ServerContext,
  { clientDir, hosted = null }: { clientDir: string; hosted?: HostedApplication | null },
): Promise<FastifyInstance> {
  const { config, log, metrics } = context;
  const http = { connectionsCheckingInterval: 1_000 }; // Node checks the timeouts only twice a minute by default
  const app = fastify({
    ...(hosted ? { serverFactory: hostingServerFactory(hosted, { http, keepAliveTimeoutMs }) } : {}),
    logger: false, // the line below never contains the query, which may contain a code of the issuer
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    clientErrorHandler: refuseUnreadable,
    bodyLimit: maxMessageBytes,
    http,
    connectionTimeout: httpTimeoutMs,
    requestTimeout: httpTimeoutMs,
    handlerTimeout: httpTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    forceCloseConnections: 'idle',
    trustProxy: (_address, hop) => hop < config.trustedProxies,
    routerOptions: { maxParamLength: 5_000 }, // a batch names all its procedures in the path
    return503OnClosing: false, // a request on an open connection is still served, and the connection is closed after it
    frameworkErrors: (error, request, reply: FastifyReply) => {
      const shape = shapeOf(fromFastifyError(error));
      void reply
        .headers(headersOfUnreadable)
        .header('x-request-id', request.id)
        .code(shape.data.httpStatus)
        .send({ error: shape });
    },
  });

  let isClosing = false;
  app.addHook('preClose', async () => {
    isClosing = true;
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  app.addHook('onSend', async (request, reply) => {
    // While closing, a connection that is kept alive would delay the end. The rest of an incomplete body is never read.
    if (isClosing || !request.raw.complete) reply.header('connection', 'close');
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
    const appError = fromFastifyError(error);
    if (appError.code === 'INTERNAL') log.error({ err: error, requestId: request.id }, 'a request failed');
    return reply.code(shapeOf(appError).data.httpStatus).send({ error: shapeOf(appError) });
  });

  registerHealthRoutes(app, context);
  await app.register(async (trpc) => registerTrpcRoutes(trpc, context));
  await app.register(async (files) => registerFileRoutes(files, context));
  await app.register(async (auth) => {
    auth.addHook('onRequest', async (request) => context.rateLimits.admitSignIn(request.ip));
    // The sign-out form is the only one; its fields are ignored.
    auth.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, _body, done) =>
      done(null, null),
    );
    registerAuthRoutes(auth, context.auth);
  });
  await registerClientFiles(app, clientDir);
  return app;
}

/** A name from a closed list for logs and metrics, because clients can send any URL. */
function routeOf(pattern: string | undefined, params: unknown): string {
  if (pattern !== '/trpc/:path') return pattern ?? 'other';
  const { path } = params as { path: string }; // the pattern has this one parameter
  if (procedureNames.has(path)) return path;
  return path.includes(',') ? 'batch' : 'unknown procedure';
}
