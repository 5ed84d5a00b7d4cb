/**
 * The Kubernetes API of the embedded cluster: HTTPS in front of a store in memory. It owns the objects, their versions and
 * the rules by which they change. It writes each change to disk before it answers. Its only loop deletes old events. It
 * must not act for the cluster: the kubelet schedules, starts and finishes pods, and is a client like any other.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

import { systemClock, type Clock } from '../../../shared/clock.ts';
import type { Credentials } from './credentials.ts';
import { createCrud, type Admit } from './crud.ts';
import { createDeletion } from './deletion.ts';
import { removeDependents } from './dependents.ts';
import { discoveryDocuments } from './discovery.ts';
import { expireEvents } from './event-expiry.ts';
import { startHttpsServer } from './https-server.ts';
import type { Journal } from './journal.ts';
import type { JsonObject } from './kube-object.ts';
import { createOpenStreams } from './open-streams.ts';
import { openApiDocuments } from './openapi.ts';
import { createPersistentStore } from './persistent-store.ts';
import { createPodSubresources, type ContainerLog } from './pod-subresources.ts';
import { definitionOf, resourceDefinitions } from './resources.ts';
import { sendJson } from './responses.ts';
import { createRouter } from './router.ts';
import { StatusError, statusError } from './status-error.ts';

export interface KubernetesApiOptions {
  credentials: Credentials;
  /** Where the objects are kept; without it they are lost at the end of the process. */
  journal?: Journal | undefined;
  /** 0 takes any free port. */
  port: number;
  host: string;
  /** The logs of containers; empty unless given. */
  containerLog?: ContainerLog | undefined;
  /** Why a pod is refused, as by quotas and policies; every pod is admitted unless given. */
  admit?: Admit | undefined;
  log?: ((line: string) => void) | undefined;
  clock?: Clock | undefined;
  bookmarkIntervalMs?: number | undefined;
  eventLifetimeMs?: number | undefined;
  historyLimit?: number | undefined;
}

export interface KubernetesApi {
  port: number;
  /** Creates an object that every cluster has from the start. Does nothing when it exists. */
  ensure: (plural: string, namespace: string | undefined, body: JsonObject) => void;
  /** Forgets the history of changes. Every watch and list that refers to the past gets 410. */
  compact: () => void;
  stop: () => Promise<void>;
}

/** Starts the API. Rejects when the port cannot be listened on. */
export async function createKubernetesApi(options: KubernetesApiOptions): Promise<KubernetesApi> {
  const { clock = systemClock, journal, historyLimit, log = () => undefined } = options;
  const { store, close } = createPersistentStore({ journal, historyLimit, log });
  removeDependents(store);
  const crud = createCrud({ store, clock, admit: options.admit });
  const deletion = createDeletion({ store, crud, clock });
  const containerLog = options.containerLog ?? (() => []);
  const streams = createOpenStreams();
  const route = createRouter({
    store,
    crud,
    deletion,
    pods: createPodSubresources({ store, crud, deletion, containerLog, clock, logIntervalMs: 500 }),
    documents: new Map([...discoveryDocuments(resourceDefinitions), ...openApiDocuments(resourceDefinitions)]),
    clock,
    bookmarkIntervalMs: options.bookmarkIntervalMs ?? 30_000,
    trackStream: (response, end) => streams.track(response, end),
  });
  const server = await startHttpsServer({
    ...options,
    answer: createAnswer({ route, isAuthenticated: tokenCheck(options.credentials.token), log }),
  });
  const stopExpiry = expireEvents({ store, clock, lifetimeMs: options.eventLifetimeMs ?? 60 * 60 * 1000 });

  return {
    port: server.port,
    compact: () => store.compact(),
    ensure(plural, namespace, body) {
      try {
        crud.create({ definition: definitionOf(plural), namespace }, body, { dryRun: false });
      } catch (error) {
        if (!(error instanceof StatusError && error.reason === 'AlreadyExists')) throw error;
      }
    },
    async stop() {
      stopExpiry();
      await streams.endAll();
      await server.stop();
      close();
    },
  };
}

/** Answers a request, or refuses it with a Status object. Health checks need no token. */
function createAnswer(deps: {
  route: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  isAuthenticated: (request: IncomingMessage) => boolean;
  log: (line: string) => void;
}) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // A client may disconnect in the middle of an answer.
    response.on('error', () => undefined);
    try {
      const path = (request.url ?? '').split('?')[0];
      if (path === '/livez' || path === '/readyz' || path === '/healthz') {
        response.writeHead(200, { 'content-type': 'text/plain' }).end('ok');
        return;
      }
      if (!deps.isAuthenticated(request)) throw statusError.unauthorized();
      await deps.route(request, response);
    } catch (error) {
      refuse(request, response, { error, log: deps.log });
    }
  };
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  { error, log }: { error: unknown; log: (line: string) => void },
): void {
  const status = error instanceof StatusError ? error : statusError.internal('the request could not be served');
  const hasDisconnected = request.destroyed && !request.complete;
  if (!(error instanceof StatusError) && !hasDisconnected) {
    const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log(`Embedded Kubernetes could not serve ${request.method} ${request.url}: ${cause}`);
  }
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // The rest of a refused body is not read, so the connection cannot be used again.
  if (!request.complete) response.setHeader('connection', 'close');
  sendJson(response, status.code, status.toStatus());
}

/** Checks the bearer token. Digests are compared, so that the duration does not depend on the token. */
function tokenCheck(token: string): (request: IncomingMessage) => boolean {
  const expected = digest(token);
  return (request) => {
    const match = /^Bearer\s+(\S+)\s*$/i.exec(request.headers.authorization ?? '');
    return match?.[1] !== undefined && timingSafeEqual(digest(match[1]), expected);
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
