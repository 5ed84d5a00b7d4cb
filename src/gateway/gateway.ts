/**
 * The gateway: one origin per project, between browsers and pods. It owns who may pass; http-proxy-3 moves the bytes. It
 * knows PostgreSQL and the derived credentials, and neither Kubernetes nor the queue.
 *
 * A request takes this way: host → entry (cookie, token or ticket) → same origin? → admission → pod.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import type { Clock } from '../shared/clock.ts';
import type { Entry, EntryTokens } from '../shared/node/access/tickets.ts';
import type { Log } from '../shared/node/log.ts';
import type { Admission, Admissions } from './admission.ts';
import { isSameOrigin } from './headers.ts';
import type { OpenConnection, OpenConnections } from './open-connections.ts';
import type { PodProxy } from './pod-proxy.ts';
import { projectIdOfHost, projectOrigin } from './project-hosts.ts';
import { gatewayPath, renderMessagePage, renderWaitingPage, waitingScript, waitingStateOf } from './waiting-page.ts';
import type { WorkspaceCookie } from './workspace-cookie.ts';

/** Where OpenCode's web UI shows the project's folder. */
export const workspaceDeepLink = `/${Buffer.from('/workspace/project').toString('base64url')}/session`;

export interface Gateway {
  /** Whether the request is for the origin of a project. */
  handles(request: IncomingMessage): boolean;
  handleRequest(request: IncomingMessage, response: ServerResponse): void;
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Ends every open connection and resolves when nothing is left running. */
  stop(): Promise<void>;
}

export interface GatewayDeps {
  /** Scheme, domain and port of all projects, such as `http://localhost:3080`. Read with each request. */
  workspaceUrl: () => string;
  /** The origin of the product, for links. */
  productUrl: () => string;
  tokens: EntryTokens;
  cookie: WorkspaceCookie;
  admissions: Admissions;
  connections: OpenConnections;
  proxy: PodProxy;
  /** The entry of a personal access token for this project, or `null`. */
  entryOfToken: (token: string, projectId: string) => Promise<Entry | null>;
  /** Marks a ticket as used. @returns `false` when it was used before */
  redeem: (ticketId: string) => Promise<boolean>;
  /** Starts the project, or retries its failed start. */
  start: (entry: Entry) => Promise<void>;
  clock: Clock;
  log: Log;
}

/** How often open connections are checked, and how often a waiting page hears the state. */
const recheckIntervalMs = 2_000;
const stateIntervalMs = 1_000;

export function createGateway(deps: GatewayDeps): Gateway {
  const { admissions, connections, cookie, log, proxy, tokens } = deps;
  const stopping = new AbortController();
  const projectOf = ({ headers }: IncomingMessage) =>
    projectIdOfHost(headers.host, new URL(deps.workspaceUrl()).hostname);
  const originOf = (projectId: string) => projectOrigin(projectId, deps.workspaceUrl());
  const timer = setInterval(() => {
    connections
      .recheck((entry) => admissions.check(entry))
      .catch((error: unknown) =>
        log.warn({ error: String(error) }, 'open connections could not be checked; trying again'),
      );
  }, recheckIntervalMs);

  /** Who asks, and whether a page of another origin could have made the request. */
  async function identify(request: IncomingMessage, projectId: string, isUpgrade: boolean): Promise<Entry | null> {
    const token = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (token !== undefined) return deps.entryOfToken(token, projectId);
    if (!isSameOrigin({ method: request.method, headers: request.headers, isUpgrade }, originOf(projectId)))
      return null;
    return cookie.read(request.headers.cookie, projectId);
  }

  async function respond(request: IncomingMessage, response: ServerResponse, projectId: string): Promise<void> {
    const url = new URL(request.url ?? '/', originOf(projectId));
    if (url.pathname === `${gatewayPath}/enter`) return enter(url, response, projectId);
    const entry = await identify(request, projectId, false);
    const admission: Admission = entry ? await admissions.check(entry) : { kind: 'refused' };
    if (!entry || admission.kind === 'refused') return refuse(request, response, projectId);
    if (url.pathname.startsWith(`${gatewayPath}/`)) return respondItself(request, response, { url, entry });
    if (admission.kind === 'not-ready') return showWaiting(response, admission.project);
    const connection = { entry, address: admission.address, end: () => response.destroy() };
    if (!track(connection, response)) {
      return sendText(response, 429, 'You have too many open connections. Close some windows and try again.');
    }
    proxy.passRequest(request, response, admission);
  }

  /** Exchanges a ticket for the cookie, then shows OpenCode. */
  async function enter(url: URL, response: ServerResponse, projectId: string): Promise<void> {
    const ticket = await tokens.verify('ticket', url.searchParams.get('ticket') ?? '', projectId);
    if (!ticket || !(await deps.redeem(ticket.id))) {
      const link = { href: `${deps.productUrl()}/projects/${projectId}`, label: 'Open the project again' };
      return sendPage(
        response,
        403,
        renderMessagePage('This link has expired', 'A link opens a project once, within 30 seconds.', link),
      );
    }
    response.setHeader('set-cookie', await cookie.issue(ticket));
    response
      .writeHead(303, { location: workspaceDeepLink, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
      .end();
  }

  /** Another person's project, none, and a visitor who is not signed in all look the same. */
  function refuse(request: IncomingMessage, response: ServerResponse, projectId: string): void {
    if (!(request.headers.accept ?? '').includes('text/html')) {
      return sendText(
        response,
        401,
        'Open the project from the project manager, or send a personal access token of its owner.',
      );
    }
    const link = { href: `${deps.productUrl()}/projects/${projectId}`, label: 'Open it from the project manager' };
    sendPage(
      response,
      401,
      renderMessagePage('You are not signed in to this project', 'Sign in, then open the project again.', link),
    );
  }

  /** The gateway's own paths, for the waiting page. */
  async function respondItself(
    request: IncomingMessage,
    response: ServerResponse,
    { url, entry }: { url: URL; entry: Entry },
  ): Promise<void> {
    switch (`${request.method} ${url.pathname.slice(gatewayPath.length)}`) {
      case 'GET /waiting.js':
        response
          .writeHead(200, { 'content-type': 'text/javascript; charset=utf-8', 'cache-control': 'no-cache' })
          .end(waitingScript);
        return;
      case 'GET /state':
        return streamState(response, entry);
      case 'POST /start':
        await deps.start(entry);
        response.writeHead(303, { location: '/' }).end();
        return;
      default:
        sendText(response, 404, 'The gateway has no such page.');
    }
  }

  /** Server-sent events with the state of the project, until it is ready or may no longer be shown. */
  async function streamState(response: ServerResponse, entry: Entry): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    let last = '';
    while (!response.destroyed && !stopping.signal.aborted) {
      const admission = await admissions.check(entry);
      if (admission.kind === 'refused') break;
      const state = JSON.stringify(admission.kind === 'admitted' ? { ready: true } : waitingStateOf(admission.project));
      if (state !== last) response.write(`data: ${state}\n\n`);
      last = state;
      if (admission.kind === 'admitted') break;
      await new Promise((resolve) => setTimeout(resolve, stateIntervalMs));
    }
    response.end();
  }

  function showWaiting(response: ServerResponse, project: Parameters<typeof renderWaitingPage>[0]): void {
    response.setHeader('retry-after', '2');
    sendPage(response, 503, renderWaitingPage(project, `${deps.productUrl()}/projects/${project.id}`));
  }

  /** Registers a connection until its browser side closes. @returns `false` at the limit of its user */
  function track(connection: OpenConnection, side: ServerResponse | Duplex): boolean {
    if (!connections.add(connection)) return false;
    side.once('close', () => connections.remove(connection));
    return true;
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, projectId: string): Promise<void> {
    const entry = await identify(request, projectId, true);
    const admission: Admission = entry ? await admissions.check(entry) : { kind: 'refused' };
    if (!entry || admission.kind === 'refused') return endUpgrade(socket, '403 Forbidden');
    if (admission.kind === 'not-ready') return endUpgrade(socket, '503 Service Unavailable');
    if (!track({ entry, address: admission.address, end: () => socket.destroy() }, socket)) {
      return endUpgrade(socket, '429 Too Many Requests');
    }
    proxy.passUpgrade(request, socket, head, admission);
  }

  return {
    handles: (request) => projectOf(request) !== null,
    handleRequest(request, response) {
      respond(request, response, projectOf(request) ?? '').catch((error: unknown) => {
        log.warn({ error: String(error) }, 'a request to a project could not be answered');
        if (response.headersSent) response.destroy();
        else sendText(response, 503, 'The project manager cannot reach its database. Try again in a moment.');
      });
    },
    handleUpgrade(request, socket, head) {
      socket.on('error', () => socket.destroy());
      upgrade(request, socket, head, projectOf(request) ?? '').catch((error: unknown) => {
        log.warn({ error: String(error) }, 'a WebSocket to a project could not be opened');
        endUpgrade(socket, '503 Service Unavailable');
      });
    },
    async stop() {
      clearInterval(timer);
      stopping.abort();
      connections.endAll();
      proxy.close();
    },
  };
}

/** The pages of the gateway load nothing from elsewhere. */
const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

function sendPage(response: ServerResponse, status: number, html: string): void {
  response
    .writeHead(status, {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': pagePolicy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
    })
    .end(html);
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' })
    .end(`${text}\n`);
}

function endUpgrade(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
