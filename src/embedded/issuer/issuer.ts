/**
 * The embedded OpenID Connect issuer of `npm start`: the certified oidc-provider, in this process, on an HTTP port of its
 * own, with a sign-in page for the development users. It owns `<dataDir>/issuer.json` (keys and port). It has no loop. It
 * must not be reachable from other machines unless `host` says so, because its passwords are public.
 */

import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import { join } from 'node:path';

import type { Clock } from '../../shared/clock.ts';
import type { EmbeddedLog } from '../embedded-log.ts';
import { messagePage, pageHeaders } from './issuer-pages.ts';
import type { IssuerClient } from './issuer-provider.ts';
import { createAnswer } from './issuer-requests.ts';
import { loadIssuerSettings, saveIssuerSettings } from './issuer-settings.ts';

interface EmbeddedIssuerOptions {
  dataDir: string;
  /** The address to listen on, and the host name of the issuer; 127.0.0.1 unless given. */
  host?: string;
  /** The issuer identifier, when people reach it at another address than the one it listens on. */
  url?: string;
  /** A fixed TCP port. Unless given: the port of the last run if it is free, else any free one. */
  port?: number;
  clients: readonly IssuerClient[];
  /** The audience of the access tokens; `opencode-project-manager` unless given. */
  audience?: string;
  log: EmbeddedLog;
  clock?: Clock;
}

export interface EmbeddedIssuer {
  /** The issuer identifier, without a slash at the end. */
  url: string;
  stop(): Promise<void>;
}

/**
 * Starts the issuer. The only flow is Authorization Code with PKCE (S256), without a consent page. ID tokens have name and
 * email. Access tokens are JWTs for `audience`, signed with RS256, and have name and email too. They are not accepted by the
 * userinfo endpoint, because they are for another audience.
 *
 * @throws Error when a fixed port is in use
 */
export async function createEmbeddedIssuer(options: EmbeddedIssuerOptions): Promise<EmbeddedIssuer> {
  const { host = '127.0.0.1', log } = options;
  const settingsFile = join(options.dataDir, 'issuer.json');
  const settings = loadIssuerSettings(settingsFile);
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 });
  const port = await listen(server, { host, desired: options.port, last: settings.port });
  if (port !== settings.port) saveIssuerSettings(settingsFile, { ...settings, port });

  const url = options.url ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const { clients } = options;
  const pages = { home: findHome(clients), formTargets: findOrigins(clients) };
  const answer = createAnswer({ ...options, ...pages, url, settings });
  server.on('request', (request, response) => {
    answer(request, response).catch((error: unknown) => {
      log.warn(`The embedded issuer could not answer ${request.method} ${request.url}: ${String(error)}`);
      sendFailure(response);
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

function findOrigins(clients: readonly IssuerClient[]): string[] {
  const uris = clients.flatMap((client) => [...client.redirectUris, ...client.postLogoutRedirectUris]);
  return [...new Set(uris.map((uri) => new URL(uri).origin))];
}

/** The address of the application: the origin of its first redirect URI. */
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

function sendFailure(response: ServerResponse): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const messages = ['The sign-in service failed to answer. Go back and try again. Its log has the cause.'];
  response.writeHead(500, pageHeaders([])).end(messagePage({ title: 'That did not work', messages, home: null }));
}
