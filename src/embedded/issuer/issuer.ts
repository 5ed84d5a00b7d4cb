/**
 * The embedded OpenID Connect issuer of `npm start`: the certified oidc-provider, in process, on an HTTP port of its own,
 * with a sign-in page for the development users. It owns `<dataDir>/issuer.json` (keys and port). It has no loop. It must
 * never be reachable from another machine unless told so, for its passwords are public.
 */

import type { EventEmitter } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { join } from 'node:path';

import { Provider, interactionPolicy } from 'oidc-provider';
import type { Configuration } from 'oidc-provider';

import type { EmbeddedLog } from '../embedded-log.ts';
import { findDevelopmentUser } from './development-users.ts';
import { messagePage, pageHeaders, signOutPage } from './issuer-pages.ts';
import { loadIssuerSettings, saveIssuerSettings } from './issuer-settings.ts';
import type { IssuerSettings } from './issuer-settings.ts';
import { createSignIn, signInPath } from './issuer-sign-in.ts';
import { createIssuerStore } from './issuer-store.ts';

interface IssuerClient {
  clientId: string;
  clientSecret: string;
  redirectUris: readonly string[];
  postLogoutRedirectUris: readonly string[];
}

export interface EmbeddedIssuerOptions {
  dataDir: string;
  /** The address to listen on, and the host name of the issuer; 127.0.0.1 unless told otherwise. */
  host?: string;
  /** The issuer identifier, where people do not reach it at the address that it listens on. */
  url?: string;
  /** A fixed TCP port; without it the port of the last run, or any free one. */
  port?: number;
  clients: readonly IssuerClient[];
  /** The audience of the access tokens; `opencode-project-manager` unless told otherwise. */
  audience?: string;
  log: EmbeddedLog;
  now?: () => number;
}

export interface EmbeddedIssuer {
  /** The issuer identifier, without a slash at its end. */
  url: string;
  stop(): Promise<void>;
}

/**
 * Starts the issuer. Authorization Code with PKCE (S256) is the only flow; no consent is asked for. ID tokens carry name
 * and email by themselves. Access tokens are JWTs for `audience`, signed with RS256, with name and email in them too.
 * Being for that audience they do not open the issuer's userinfo endpoint: read the ID token.
 *
 * Throws a sentence when a fixed port is in use.
 */
export async function createEmbeddedIssuer(options: EmbeddedIssuerOptions): Promise<EmbeddedIssuer> {
  const { host = '127.0.0.1', log } = options;
  const settingsFile = join(options.dataDir, 'issuer.json');
  const settings = loadIssuerSettings(settingsFile);
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 });
  const port = await listen(server, { host, desired: options.port, last: settings.port });
  if (port !== settings.port) saveIssuerSettings(settingsFile, { ...settings, port });

  const url = options.url ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const answer = createAnswers({ ...options, url, settings });
  server.on('request', (request, response) => {
    answer(request, response).catch((error: unknown) => {
      log.warn(`The embedded issuer could not answer ${request.method} ${request.url}: ${String(error)}`);
      failPlainly(response);
    });
  });
  return {
    url,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

function createAnswers(options: EmbeddedIssuerOptions & { url: string; settings: IssuerSettings }): Answer {
  const { clients, url, log } = options;
  const home = findHome(clients);
  const formTargets = findOrigins(clients);
  const provider = new Provider(url, configuration({ ...options, home, formTargets }));
  provider.on('server_error', (_context, error) => log.warn(`The embedded issuer failed: ${error.message}`));
  const events: EventEmitter = provider; // the types know the events of oidc-provider alone, not Koa's own
  events.on('error', (error: Error) => log.warn(`The embedded issuer failed: ${error.message}`));

  provider.use(async (context, next) => {
    await next();
    const { oidc } = context;
    if (context.status === 404 && !context.body) {
      const html = messagePage({ title: 'Nothing to do here', messages: ['There is no such page.'], home });
      context.set(pageHeaders(formTargets));
      context.body = html;
      context.status = 404;
      return;
    }
    // An application that proves with its ID token whose session it ends needs no second question.
    if (oidc?.route !== 'end_session' || oidc.entities.IdTokenHint === undefined || context.status >= 400) return;
    await oidc.session?.destroy();
    const target = oidc.params?.['post_logout_redirect_uri'];
    const state = oidc.params?.['state'];
    const goal = new URL(typeof target === 'string' ? target : oidc.urlFor('end_session_success'));
    if (typeof target === 'string' && typeof state === 'string') goal.searchParams.set('state', state);
    context.status = 303;
    context.redirect(goal.href);
  });

  const handle = provider.callback();
  const signIn = createSignIn({ provider, formTargets, home });
  return async (request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    if (path.startsWith(signInPath)) return signIn(request, response);
    if (path === '/favicon.ico') return void response.writeHead(204).end();
    if (path === '/') {
      const messages = ['This is the embedded issuer. It signs the development users in to the application.'];
      const html = messagePage({ title: 'Nothing to do here', messages, home });
      return void response.writeHead(200, pageHeaders(formTargets)).end(html);
    }
    return handle(request, response);
  };
}

function configuration(
  options: EmbeddedIssuerOptions & {
    settings: IssuerSettings;
    url: string;
    home: string | null;
    formTargets: readonly string[];
  },
): Configuration {
  const { clients, settings, home, formTargets, audience = 'opencode-project-manager', now = Date.now } = options;
  const headers = pageHeaders(formTargets);
  // A resource is named by a URI; the audience of its tokens may be any word.
  const resource = URL.canParse(audience) ? audience : `urn:audience:${encodeURIComponent(audience)}`;
  const policy = interactionPolicy.base();
  policy.remove('consent'); // the only clients are our own
  const cookiePrefix = `opencode_issuer_${new URL(options.url).port}`; // cookies know no ports, instances may share a host

  return {
    adapter: createIssuerStore(now),
    clients: clients.map((client) => ({
      client_id: client.clientId,
      client_secret: client.clientSecret,
      redirect_uris: [...client.redirectUris],
      post_logout_redirect_uris: [...client.postLogoutRedirectUris],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    })),
    clientAuthMethods: ['client_secret_basic', 'client_secret_post'],
    clientBasedCORS: () => false,
    jwks: { keys: [settings.signingKey] },
    cookies: {
      keys: [settings.cookieKey],
      names: {
        session: `${cookiePrefix}_session`,
        interaction: `${cookiePrefix}_interaction`,
        resume: `${cookiePrefix}_resume`,
      },
    },
    pkce: { required: () => true },
    responseTypes: ['code'],
    scopes: ['openid', 'profile', 'email'],
    claims: { openid: ['sub'], profile: ['name', 'picture'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false, // name and email belong into the ID token, for there is no other place to read them
    findAccount: (_context, subject) => {
      const user = findDevelopmentUser(subject);
      if (user === null) return undefined;
      return {
        accountId: user.subject,
        claims: () => ({ sub: user.subject, name: user.name, email: user.email, email_verified: true }),
      };
    },
    extraTokenClaims: (_context, token) => {
      const user = 'accountId' in token ? findDevelopmentUser(token.accountId) : null;
      return user === null ? undefined : { name: user.name, email: user.email };
    },
    interactions: { policy, url: (_context, interaction) => `${signInPath}${interaction.uid}` },
    loadExistingGrant: async (context) => {
      const { client, session, provider } = context.oidc;
      if (client === undefined || session?.accountId === undefined) return undefined;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid profile email');
      grant.addResourceScope(resource, '');
      await grant.save();
      return grant;
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: '',
          audience,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context, form) => {
          context.set(headers);
          context.body = signOutPage(form);
        },
        postLogoutSuccessSource: (context) => {
          context.set(headers);
          context.body = messagePage({ title: 'Signed out', messages: ['You are signed out.'], home });
        },
      },
    },
    renderError: (context, out) => {
      context.set(headers);
      const messages = [
        `The sign-in service refused a request: ${out.error_description ?? 'it could not be understood'} (${out.error}).`,
        'Nothing was changed. Go to the application and try again.',
      ];
      context.body = messagePage({ title: 'That did not work', messages, home });
    },
    ttl: {
      AccessToken: 60 * 60,
      AuthorizationCode: 60,
      Grant: 14 * 24 * 60 * 60,
      IdToken: 60 * 60,
      Interaction: 60 * 60,
      Session: 14 * 24 * 60 * 60,
    },
  };
}

function findOrigins(clients: readonly IssuerClient[]): string[] {
  const uris = clients.flatMap((client) => [...client.redirectUris, ...client.postLogoutRedirectUris]);
  return [...new Set(uris.map((uri) => new URL(uri).origin))];
}

/** Where a lost person finds the application: the origin that it is called back on. */
function findHome(clients: readonly IssuerClient[]): string | null {
  const first = clients[0]?.redirectUris[0];
  return first === undefined ? null : `${new URL(first).origin}/`;
}

async function listen(
  server: Server,
  { host, desired, last }: { host: string; desired: number | undefined; last: number },
): Promise<number> {
  const tryPort = (port: number) =>
    new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, exclusive: true }, () => {
        server.off('error', reject);
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  try {
    return await tryPort(desired ?? last);
  } catch (cause) {
    if (desired === undefined && last !== 0) return tryPort(0);
    throw new Error(`The embedded issuer cannot listen on ${host}:${desired ?? last}: ${String(cause)}.`, { cause });
  }
}

function failPlainly(response: ServerResponse): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const messages = ['The sign-in service failed to answer. Go back and try again; its log says more.'];
  response.writeHead(500, pageHeaders([])).end(messagePage({ title: 'That did not work', messages, home: null }));
}
