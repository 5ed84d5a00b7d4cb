/** Answers the requests to the embedded issuer: its own pages, and everything else by oidc-provider. */

import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';

import { Provider, type KoaContextWithOIDC } from 'oidc-provider';

import type { EmbeddedLog } from '../embedded-log.ts';
import { messagePage, pageHeaders } from './issuer-pages.ts';
import { providerConfiguration, type ProviderOptions } from './issuer-provider.ts';
import { createSignIn, signInPath } from './issuer-sign-in.ts';

export type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export function createAnswer(options: ProviderOptions & { log: EmbeddedLog }): Answer {
  const { home, formTargets, log } = options;
  const provider = new Provider(options.url, providerConfiguration(options));
  provider.on('server_error', (_context, error) => log.warn(`The embedded issuer failed: ${error.message}`));
  const events: EventEmitter = provider; // the types have only the events of oidc-provider, not those of Koa
  events.on('error', (error: Error) => log.warn(`The embedded issuer failed: ${error.message}`));

  provider.use(async (context, next) => {
    await next();
    if (context.status === 404 && !context.body) {
      context.set(pageHeaders(formTargets));
      context.body = messagePage({ title: 'Nothing to do here', messages: ['There is no such page.'], home });
      context.status = 404;
    } else await signOutWithoutQuestion(context);
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

/** What is used of the context of Koa. `oidc` is undefined for a path that oidc-provider does not know. */
interface LogoutContext {
  status: number;
  redirect(url: string): void;
  oidc?: KoaContextWithOIDC['oidc'];
}

/** An application that sends the ID token of the session may end the session without asking the person. */
async function signOutWithoutQuestion(context: LogoutContext): Promise<void> {
  const { oidc } = context;
  if (oidc?.route !== 'end_session' || oidc.entities.IdTokenHint === undefined || context.status >= 400) return;
  await oidc.session?.destroy();
  const target = oidc.params?.['post_logout_redirect_uri'];
  const state = oidc.params?.['state'];
  const location = new URL(typeof target === 'string' ? target : oidc.urlFor('end_session_success'));
  if (typeof target === 'string' && typeof state === 'string') location.searchParams.set('state', state);
  context.status = 303;
  context.redirect(location.href);
}
