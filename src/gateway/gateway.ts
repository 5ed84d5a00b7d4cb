/**
 * The gateway: one origin per project, between browsers and pods. It leads each request through its checks; `admission.ts`
 * decides who may pass, and `pod-proxy.ts` moves the bytes. It knows PostgreSQL and the derived credentials, and it never talks to Kubernetes.
 *
 * A request takes this way: not too many? → well-formed? → host → entry (cookie, token or ticket) → same origin? → admission → pod.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import { gatewayPath, projectIdOfHost, projectOrigin } from '../shared/node/access/project-hosts.ts';
import type { Entry } from '../shared/node/access/tickets.ts';
import { databaseProblem } from '../shared/node/db/database-check.ts';
import { createLimitedWarn } from '../shared/node/log-limit.ts';
import type { Log } from '../shared/node/log.ts';
import type { Admission, Admissions } from './admission.ts';
import { refuseUpgrade, sendPage, sendText, wantsPage } from './answers.ts';
import { isSameOrigin } from './headers.ts';
import type { Outcome } from './metrics.ts';
import type { OpenConnection, OpenConnections } from './open-connections.ts';
import type { OwnPaths } from './own-paths.ts';
import type { PodProxy } from './pod-proxy.ts';
import { pathOf, requestProblem, upgradeProblem } from './request-problem.ts';
import { renderMessagePage, renderWaitingPage } from './waiting-page.ts';
import { waitingStateOf, type NotReady } from './waiting-state.ts';
import type { WorkspaceCookie } from './workspace-cookie.ts';

export interface Gateway {
  /** Whether the request is for the origin of a project. */
  handles(request: IncomingMessage): boolean;
  handleRequest(request: IncomingMessage, response: ServerResponse): void;
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Ends open streams, waits for other requests up to `graceMs`, and resolves when nothing is left running. */
  stop(graceMs: number): Promise<void>;
}

export interface GatewayDeps {
  /** Scheme, domain and port of all projects, such as `http://localhost:3080`. */
  workspaceUrl: string;
  /** The page of a project in the product. */
  projectPage: (projectId: string) => string;
  maxBodyBytes: number;
  cookie: WorkspaceCookie;
  admissions: Admissions;
  connections: OpenConnections;
  proxy: PodProxy;
  ownPaths: OwnPaths;
  /** The entry of a personal access token for this project, or `null`. */
  entryOfToken: (token: string, projectId: string) => Promise<Entry | null>;
  /** Takes the request into account. Returns 0, or the milliseconds until its address may send another. */
  waitMsOf: (request: IncomingMessage) => number;
  count: (outcome: Outcome) => void;
  log: Log;
}

/** How often open connections are checked. */
const recheckIntervalMs = 2_000;

export function createGateway(deps: GatewayDeps): Gateway {
  const { admissions, connections, cookie, log, ownPaths, proxy, projectPage } = deps;
  const domain = new URL(deps.workspaceUrl).hostname;
  const projectOf = ({ headers }: IncomingMessage) => projectIdOfHost(headers.host, domain);
  const warn = createLimitedWarn(log);
  const stopChecking = startChecking(deps);

  /** Who asks, unless a page of another origin could have made the request. */
  async function identify(request: IncomingMessage, projectId: string, isUpgrade: boolean): Promise<Entry | null> {
    const token = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (token !== undefined) return deps.entryOfToken(token, projectId);
    const origin = projectOrigin(projectId, deps.workspaceUrl);
    if (!isSameOrigin({ method: request.method, headers: request.headers, isUpgrade }, origin)) return null;
    return cookie.read(request.headers.cookie, projectId);
  }

  async function admit(request: IncomingMessage, projectId: string, isUpgrade: boolean) {
    const entry = await identify(request, projectId, isUpgrade);
    const admission: Admission = entry ? await admissions.check(entry) : { kind: 'refused' };
    return entry && admission.kind !== 'refused' ? { entry, admission } : null;
  }

  async function respond(request: IncomingMessage, response: ServerResponse, projectId: string): Promise<Outcome> {
    const waitMs = deps.waitMsOf(request);
    if (waitMs > 0) return refuseExcess(response, waitMs);
    const problem = requestProblem(request, deps);
    if (problem) {
      sendText(response, problem.status, problem.message);
      return 'malformed';
    }
    request.url = pathOf(request.url ?? '/');
    const url = new URL(request.url, 'http://localhost');
    const ownPath = url.pathname.startsWith(`${gatewayPath}/`) ? url.pathname.slice(gatewayPath.length) : null;
    if (ownPath === '/enter' && request.method === 'GET') {
      return ownPaths.enter(response, projectId, url.searchParams.get('ticket') ?? '');
    }

    const admitted = await admit(request, projectId, false);
    if (!admitted) return refuse(request, response, projectPage(projectId));
    const { entry, admission } = admitted;
    if (admission.kind === 'not-ready' && ownPath === null) return wait(request, response, admission);
    const isLongLived = () => String(response.getHeader('content-type') ?? '').startsWith('text/event-stream');
    const podUid = admission.kind === 'admitted' && ownPath === null ? admission.podUid : null;
    if (!track({ entry, podUid, isLongLived, end: () => response.destroy() }, response)) {
      sendText(response, 429, 'You have too many open connections. Close some windows and try again.');
      return 'limited';
    }
    if (ownPath !== null) return ownPaths.respond(request, response, { path: ownPath, entry });
    if (admission.kind === 'admitted' && !response.destroyed) proxy.passRequest(request, response, admission);
    return 'passed';
  }

  function wait(request: IncomingMessage, response: ServerResponse, notReady: NotReady): Outcome {
    const { title, message, nextStep } = waitingStateOf(notReady);
    response.setHeader('retry-after', '2');
    if (wantsPage(request)) sendPage(response, 503, renderWaitingPage(notReady, projectPage(notReady.project.id)));
    else sendText(response, 503, `${title}. ${message} ${nextStep}`.trim());
    return 'not-ready';
  }

  /** Registers a connection until its browser side closes. @returns `false` at the limit of its user */
  function track(connection: OpenConnection, side: ServerResponse | Duplex): boolean {
    if (!connections.add(connection)) return false;
    side.once('close', () => connections.remove(connection));
    if (side.destroyed) connections.remove(connection); // it has closed while the person was identified
    return true;
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, projectId: string): Promise<Outcome> {
    const refuseWith = (status: number, outcome: Outcome): Outcome => {
      refuseUpgrade(socket, status);
      return outcome;
    };
    if (deps.waitMsOf(request) > 0) return refuseWith(429, 'limited');
    const problem = upgradeProblem(request);
    if (problem) return refuseWith(problem.status, 'malformed');
    request.url = pathOf(request.url ?? '/');
    const admitted = await admit(request, projectId, true);
    if (!admitted) return refuseWith(403, 'refused');
    const { entry, admission } = admitted;
    if (admission.kind === 'not-ready') return refuseWith(503, 'not-ready');
    const { podUid } = admission;
    const connection = { entry, podUid, isLongLived: () => true, end: () => socket.destroy() };
    if (!track(connection, socket)) return refuseWith(429, 'limited');
    if (!socket.destroyed) proxy.passUpgrade(request, socket, head, admission);
    return 'passed';
  }

  return {
    handles: (request) => projectOf(request) !== null,
    handleRequest(request, response) {
      respond(request, response, projectOf(request) ?? '').then(deps.count, (error: unknown) => {
        warn(`request ${String(error)}`, { error: String(error) }, 'a request to a project could not be answered');
        deps.count('failed');
        if (!response.headersSent) response.setHeader('retry-after', '2');
        sendText(response, 503, databaseProblem(error));
      });
    },
    handleUpgrade(request, socket, head) {
      socket.on('error', () => socket.destroy());
      upgrade(request, socket, head, projectOf(request) ?? '').then(deps.count, (error: unknown) => {
        warn(`upgrade ${String(error)}`, { error: String(error) }, 'a WebSocket to a project could not be opened');
        deps.count('failed');
        refuseUpgrade(socket, 503);
      });
    },
    async stop(graceMs) {
      stopChecking();
      connections.endLongLived();
      await connections.whenEmpty(graceMs);
      connections.endAll();
      proxy.close();
    },
  };
}

/** Ends the connections of people whose entry has ended. @returns stops it */
function startChecking({ admissions, connections, log }: GatewayDeps): () => void {
  const warn = createLimitedWarn(log);
  const check = () =>
    connections
      .recheck((entry) => admissions.check(entry))
      .catch((error: unknown) =>
        warn('check', { error: String(error) }, 'open connections could not be checked; trying again'),
      );
  const timer = setInterval(() => void check(), recheckIntervalMs);
  return () => clearInterval(timer);
}

function refuseExcess(response: ServerResponse, waitMs: number): Outcome {
  const seconds = Math.max(1, Math.ceil(waitMs / 1_000));
  response.setHeader('retry-after', String(seconds));
  const wait = seconds === 1 ? 'a second' : `${seconds} seconds`;
  sendText(response, 429, `Too many requests from your address within a minute. Wait ${wait} and try again.`);
  return 'limited';
}

/** Another person's project, none, and a visitor who is not signed in all look the same. */
function refuse(request: IncomingMessage, response: ServerResponse, projectUrl: string): Outcome {
  if (wantsPage(request)) {
    const link = { href: projectUrl, label: 'Open it from the project manager' };
    const title = 'You are not signed in to this project';
    sendPage(response, 401, renderMessagePage(title, 'Sign in, then open the project again.', { link }));
  } else {
    const message =
      'Open the project from the project manager, or send a personal access token of its owner or of an editor.';
    sendText(response, 401, message);
  }
  return 'refused';
}
