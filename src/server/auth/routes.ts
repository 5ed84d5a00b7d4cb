/** Sign-in and sign-out as a browser walks them: redirects and cookies, and a page in words when something is wrong. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { AppError } from '../../shared/contract/errors.ts';
import type { Database } from '../../shared/node/db/database.ts';
import { insertSession, revokeSession } from '../../shared/node/db/sessions-repository.ts';
import { upsertUser } from '../../shared/node/db/users-repository.ts';
import type { Log } from '../../shared/node/log.ts';
import { safeReturnTo } from '../../shared/safe-return-to.ts';
import { changeRefusal } from '../http/origin.ts';
import { renderPage } from '../http/page.ts';
import { ofFastify } from '../http/trpc-routes.ts';
import { sessionTtlMs } from '../limits.ts';
import type { Issuer } from './issuer.ts';
import type { LoginCookie } from './login-cookie.ts';
import type { SessionCookie } from './session-cookie.ts';
import { SignInRefused, type SignIn } from './sign-in.ts';

export interface AuthRoutesDeps {
  db: Database;
  issuer: Issuer;
  signIn: SignIn;
  loginCookie: LoginCookie;
  sessionCookie: SessionCookie;
  clientId: string;
  publicOrigin: () => string;
  /** Ends what is open under this session on this server. */
  onSignedOut: (sessionId: string) => void;
  log: Log;
}

export function registerAuthRoutes(app: FastifyInstance, deps: AuthRoutesDeps): void {
  const { db, issuer, signIn, loginCookie, sessionCookie, publicOrigin, log } = deps;
  /** Where the person of each request under way wants to go: a sign-in that fails leads there at the next try. */
  const destinations = new WeakMap<FastifyRequest, string>();

  app.get<{ Querystring: Record<string, unknown> }>('/auth/login', async (request, reply) => {
    const returnTo = safeReturnTo(textOf(request.query['returnTo']), '/');
    destinations.set(request, returnTo);
    if (isOtherNameOfLoopback(request.headers.host, publicOrigin())) {
      return reply.redirect(`${publicOrigin()}/auth/login?returnTo=${encodeURIComponent(returnTo)}`, 303);
    }
    const { url, login } = await signIn.begin({
      redirectUri: `${publicOrigin()}/auth/callback`,
      returnTo,
      askAgain: sessionCookie.hasSignedOut(request.headers.cookie),
    });
    const cookies = await loginCookie.issue(login, request.headers.cookie);
    return noStore(reply).header('set-cookie', cookies).redirect(url.href, 303);
  });

  app.get<{ Querystring: Record<string, unknown> }>('/auth/callback', async (request, reply) => {
    const state = textOf(request.query['state']);
    const login = state === undefined ? null : await loginCookie.read(state, request.headers.cookie);
    if (state === undefined || !login) {
      throw new SignInRefused('This sign-in was finished already, took too long, or was begun in another browser.');
    }
    destinations.set(request, login.returnTo);
    noStore(reply).header('set-cookie', loginCookie.clear(state));
    const identity = await signIn.finish(new URL(request.url, publicOrigin()), login);
    const session = await db.transaction(async (trx) => {
      const user = await upsertUser(trx, identity);
      const userAgent = request.headers['user-agent']?.slice(0, 500) ?? null;
      return insertSession(trx, { userId: user.id, userAgent, ttlMs: sessionTtlMs });
    });
    const cookies = [loginCookie.clear(state), ...(await sessionCookie.issue(session))];
    return reply.removeHeader('set-cookie').header('set-cookie', cookies).redirect(login.returnTo, 303);
  });

  async function logout(request: FastifyRequest, reply: FastifyReply) {
    const sessionId = await sessionCookie.read(request.headers.cookie);
    if (sessionId !== null) {
      await revokeSession(db, sessionId);
      deps.onSignedOut(sessionId);
    }
    noStore(reply).header('set-cookie', sessionCookie.clear());
    if (request.headers.accept?.includes('application/json')) return reply.code(204).send();
    return reply.redirect(await afterSignOut(), 303);
  }

  /** The issuer's own sign-out where it has one: else the next sign-in would go through without a question. */
  async function afterSignOut(): Promise<string> {
    try {
      const endpoint = (await issuer.answering()).serverMetadata().end_session_endpoint;
      if (endpoint === undefined) return '/';
      const url = new URL(endpoint);
      url.searchParams.set('client_id', deps.clientId);
      url.searchParams.set('post_logout_redirect_uri', publicOrigin());
      return url.href;
    } catch {
      return '/'; // the issuer does not answer; here the person is signed out all the same
    }
  }

  app.post('/auth/logout', (request, reply) => {
    const refusal = changeRefusal(request.headers, publicOrigin());
    if (refusal) throw new AppError('FORBIDDEN', refusal);
    return logout(request, reply);
  });
  app.get('/auth/logout', (request, reply) => {
    const site = request.headers['sec-fetch-site'];
    // A link or an image on another site must not sign people out.
    if (site === undefined || site === 'same-origin' || site === 'none') return logout(request, reply);
    throw new AppError('FORBIDDEN', 'Sign out from the application itself: another site cannot do it for you.');
  });

  app.setErrorHandler((error, request, reply) => {
    const returnTo = destinations.get(request) ?? '/';
    const href = returnTo === '/' ? '/auth/login' : `/auth/login?returnTo=${encodeURIComponent(returnTo)}`;
    const action = { href, label: 'Sign in again' };
    noStore(reply).type('text/html; charset=utf-8');
    if (error instanceof SignInRefused) {
      log.info({ requestId: request.id, reason: error.message, err: error.cause }, 'sign-in refused');
      const messages = [error.message, 'Nothing was changed.'];
      return reply.code(400).send(renderPage({ title: 'Sign-in did not work', messages, action }));
    }
    const { code, message, retryAfterSeconds } = ofFastify(error);
    const statuses = { UNAVAILABLE: 503, RATE_LIMITED: 429, FORBIDDEN: 403, INTERNAL: 500 } as const;
    const status = code in statuses ? statuses[code as keyof typeof statuses] : 400; // just asked
    if (status === 500) log.error({ err: error, requestId: request.id }, 'sign-in failed');
    if (retryAfterSeconds !== null) reply.header('retry-after', String(retryAfterSeconds));
    return reply.code(status).send(renderPage({ title: 'That did not work', messages: [message], action }));
  });
}

/**
 * Cookies belong to one host name. Whoever came to this machine by another name of it (127.0.0.1 for localhost) begins
 * again at the one that the issuer sends them back to.
 */
function isOtherNameOfLoopback(host: string | undefined, publicOrigin: string): boolean {
  const [here, desired] = [URL.parse(`http://${host ?? ''}`), new URL(publicOrigin)];
  const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);
  if (!here || !loopback.has(here.hostname) || !loopback.has(desired.hostname)) return false;
  return here.hostname !== desired.hostname && here.port === desired.port;
}

function noStore(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer');
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
