/** The routes of sign-in and sign-out for browsers: redirects, cookies, and a page with a message when a step fails. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { AppError, type AppErrorCode } from '../../shared/contract/errors.ts';
import type { Database } from '../../shared/node/db/database.ts';
import { findSession, insertSession, revokeSession } from '../../shared/node/db/sessions-repository.ts';
import { upsertUser } from '../../shared/node/db/users-repository.ts';
import type { Log } from '../../shared/node/log.ts';
import { safeReturnTo } from '../../shared/safe-return-to.ts';
import { changeRefusal } from '../http/origin.ts';
import { renderPage } from '../http/page.ts';
import { fromFastifyError } from '../http/trpc-routes.ts';
import { sessionTtlMs } from '../limits.ts';
import type { AuditService } from '../services.ts';
import type { Issuer } from './issuer.ts';
import type { LoginCookie } from './login-cookie.ts';
import type { SessionCookie } from './session-cookie.ts';
import { SignInRefused, type SignIn } from './sign-in.ts';

interface AuthRoutesDeps {
  db: Database;
  issuer: Issuer;
  signIn: SignIn;
  loginCookie: LoginCookie;
  sessionCookie: SessionCookie;
  clientId: string;
  publicOrigin: () => string;
  /** Closes the sockets of this session on this server. */
  onSignedOut: (sessionId: string) => void;
  audit: AuditService;
  log: Log;
}

/** Where the person of a request wants to go. If the sign-in fails, the link to try again leads there. */
type Destinations = WeakMap<FastifyRequest, string>;

type QueryRequest = FastifyRequest<{ Querystring: Record<string, unknown> }>;

export function registerAuthRoutes(app: FastifyInstance, deps: AuthRoutesDeps): void {
  const destinations: Destinations = new WeakMap();
  const { publicOrigin } = deps;

  app.get('/auth/login', (request: QueryRequest, reply) => login(deps, destinations, request, reply));
  app.get('/auth/callback', (request: QueryRequest, reply) => finishLogin(deps, destinations, request, reply));
  app.post('/auth/logout', (request, reply) => {
    const refusal = changeRefusal(request.headers, publicOrigin());
    if (refusal) throw new AppError('FORBIDDEN', refusal);
    return logout(deps, request, reply);
  });
  app.get('/auth/logout', (request, reply) => {
    const site = request.headers['sec-fetch-site'];
    // A link or an image on another site must not sign people out.
    if (site === undefined || site === 'same-origin' || site === 'none') return logout(deps, request, reply);
    throw new AppError('FORBIDDEN', 'Sign out from the application itself: another site cannot do it for you.');
  });
  app.setErrorHandler((error, request, reply) => sendErrorPage(deps, destinations.get(request) ?? '/', error, reply));
}

/** Sends the person to the issuer. */
async function login(deps: AuthRoutesDeps, destinations: Destinations, request: QueryRequest, reply: FastifyReply) {
  const { signIn, loginCookie, sessionCookie, publicOrigin } = deps;
  const returnTo = safeReturnTo(textOf(request.query['returnTo']), '/');
  destinations.set(request, returnTo);
  // Once: a proxy that replaces the Host header would otherwise cause redirects without end.
  const isFirstAttempt = request.query['redirected'] === undefined;
  if (isFirstAttempt && isOtherHost(request.headers.host, publicOrigin())) {
    const query = new URLSearchParams({ returnTo, redirected: '' });
    return reply.redirect(`${publicOrigin()}/auth/login?${query.toString()}`, 303);
  }
  const { url, login: pending } = await signIn.begin({
    redirectUri: `${publicOrigin()}/auth/callback`,
    returnTo,
    forceLogin: sessionCookie.hasSignedOut(request.headers.cookie),
  });
  const cookies = await loginCookie.issue(pending, request.headers.cookie);
  return noStore(reply).header('set-cookie', cookies).redirect(url.href, 303);
}

/** Handles the person's return from the issuer: creates the session and sends them to the page that they came from. */
async function finishLogin(
  deps: AuthRoutesDeps,
  destinations: Destinations,
  request: QueryRequest,
  reply: FastifyReply,
) {
  const { db, signIn, loginCookie, sessionCookie, publicOrigin, audit } = deps;
  const state = textOf(request.query['state']);
  const pending = state === undefined ? null : await loginCookie.read(state, request.headers.cookie);
  if (state === undefined || !pending) {
    throw new SignInRefused('This sign-in was already finished, took too long, or was started in another browser.');
  }
  destinations.set(request, pending.returnTo);
  noStore(reply).header('set-cookie', loginCookie.clear(state));
  const identity = await signIn.finish(new URL(request.url, publicOrigin()), pending);
  const { user, session } = await db.transaction(async (trx) => {
    const person = await upsertUser(trx, identity);
    const userAgent = request.headers['user-agent']?.slice(0, 500) ?? null;
    return { user: person, session: await insertSession(trx, { userId: person.id, userAgent, ttlMs: sessionTtlMs }) };
  });
  const credential = { kind: 'session', id: session.id, expiresAt: session.expiresAt } as const;
  await audit.record({ user, credential, requestId: request.id }, { action: 'auth.sign-in', outcome: 'done' });
  const cookies = [loginCookie.clear(state), ...(await sessionCookie.issue(session))];
  return reply.removeHeader('set-cookie').header('set-cookie', cookies).redirect(pending.returnTo, 303);
}

async function logout(deps: AuthRoutesDeps, request: FastifyRequest, reply: FastifyReply) {
  const { db, sessionCookie, onSignedOut, audit } = deps;
  const sessionId = await sessionCookie.read(request.headers.cookie);
  if (sessionId !== null) {
    const session = await findSession(db, sessionId);
    await revokeSession(db, sessionId);
    onSignedOut(sessionId);
    if (session) {
      const credential = { kind: 'session', id: sessionId, expiresAt: session.expiresAt } as const;
      const caller = { user: session.user, credential, requestId: request.id };
      await audit.record(caller, { action: 'auth.sign-out', outcome: 'done' });
    }
  }
  noStore(reply).header('set-cookie', sessionCookie.clear());
  if (request.headers.accept?.includes('application/json')) return reply.code(204).send();
  return reply.redirect(await urlAfterSignOut(deps), 303);
}

/** The issuer's own sign-out page if it has one: otherwise the next sign-in would succeed without a question. */
async function urlAfterSignOut({ issuer, clientId, publicOrigin }: AuthRoutesDeps): Promise<string> {
  try {
    const endpoint = (await issuer.answering()).serverMetadata().end_session_endpoint;
    if (endpoint === undefined) return '/';
    const url = new URL(endpoint);
    url.searchParams.set('client_id', clientId);
    url.searchParams.set('post_logout_redirect_uri', publicOrigin());
    return url.href;
  } catch {
    return '/'; // the issuer does not answer, but the person is signed out of this application
  }
}

function sendErrorPage({ log }: AuthRoutesDeps, returnTo: string, error: unknown, reply: FastifyReply) {
  const href = returnTo === '/' ? '/auth/login' : `/auth/login?returnTo=${encodeURIComponent(returnTo)}`;
  const action = { href, label: 'Sign in again' };
  const requestId = reply.request.id;
  noStore(reply).type('text/html; charset=utf-8');
  if (error instanceof SignInRefused) {
    log.info({ requestId, reason: error.message, err: error.cause }, 'sign-in refused');
    const messages = [error.message, 'Nothing was changed.'];
    return reply.code(400).send(renderPage({ title: 'Sign-in did not work', messages, action }));
  }
  const { code, message, retryAfterSeconds } = fromFastifyError(error);
  const status = errorPageStatus(code);
  if (status === 500) log.error({ err: error, requestId }, 'sign-in failed');
  if (retryAfterSeconds !== null) reply.header('retry-after', String(retryAfterSeconds));
  return reply.code(status).send(renderPage({ title: 'That did not work', messages: [message], action }));
}

function errorPageStatus(code: AppErrorCode): number {
  switch (code) {
    case 'UNAVAILABLE':
      return 503;
    case 'RATE_LIMITED':
      return 429;
    case 'FORBIDDEN':
      return 403;
    case 'INTERNAL':
      return 500;
    default:
      return 400;
  }
}

/**
 * Cookies belong to one host name. A person who opened the application by another name (127.0.0.1 instead of localhost, or a
 * former domain) begins at the name that the issuer sends them back to.
 */
function isOtherHost(host: string | undefined, publicOrigin: string): boolean {
  const requested = URL.parse(`http://${host ?? ''}`);
  return requested !== null && requested.hostname !== new URL(publicOrigin).hostname;
}

function noStore(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer');
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
