/**
 * The Kubernetes API of the embedded cluster: HTTPS in front of a store in memory. It owns the objects, their versions
 * and the rules by which they change, and it writes each change to disk before it answers. It runs no loop of its own
 * but the one that forgets old events, and it must never act for the cluster: scheduling, starting and finishing pods is
 * the business of the kubelet, which is a client like any other.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as setTimeoutPromise } from 'node:timers/promises';

import type { Credentials } from './credentials.ts';
import { createCrud, type Admit } from './crud.ts';
import { createDeletion } from './deletion.ts';
import { removeDependents } from './dependents.ts';
import { discoveryDocuments } from './discovery.ts';
import type { Journal } from './journal.ts';
import { textAt, type JsonObject } from './kube-object.ts';
import { openApiDocuments } from './openapi.ts';
import { createPodSubresources, type ContainerLog } from './pod-subresources.ts';
import { storeKeyOf } from './resource-definition.ts';
import { definitionOf, resourceDefinitions } from './resources.ts';
import { createRouter, sendJson } from './router.ts';
import { StatusError, statusError } from './status-error.ts';
import { createStore } from './store.ts';

export interface KubernetesApiOptions {
  credentials: Credentials;
  /** Where the objects are kept; without it they are forgotten at the end. */
  journal?: Journal | undefined;
  /** 0 takes any free port. */
  port: number;
  host: string;
  /** What containers have said; without a kubelet they have said nothing. */
  containerLog?: ContainerLog | undefined;
  /** Why a pod is not let in, as quotas and policies do; all are unless given. */
  admit?: Admit | undefined;
  log?: ((line: string) => void) | undefined;
  nowMs?: (() => number) | undefined;
  bookmarkIntervalMs?: number | undefined;
  eventLifetimeMs?: number | undefined;
  historyLimit?: number | undefined;
}

export interface KubernetesApi {
  port: number;
  /** Creates an object as if a client had; used for what every cluster has from the start. Harmless if it exists. */
  ensure: (plural: string, namespace: string | undefined, body: JsonObject) => void;
  /** Forgets the history of changes: every watch and list that refers to the past is told 410. */
  compact: () => void;
  stop: () => Promise<void>;
}

/** Starts the API. Rejects when the port cannot be listened on. */
export async function createKubernetesApi(options: KubernetesApiOptions): Promise<KubernetesApi> {
  const nowMs = options.nowMs ?? Date.now;
  const { journal } = options;
  let isRotationDue = false;
  const store = createStore({
    ...(options.historyLimit === undefined ? {} : { historyLimit: options.historyLimit }),
    ...(journal === undefined ? {} : { initial: journal.saved }),
    persist: (change) => {
      if (journal?.append(change) !== true || isRotationDue) return;
      isRotationDue = true;
      // After the write that is under way, so that the snapshot holds it.
      setImmediate(() => {
        isRotationDue = false;
        rotateJournal();
      });
    },
  });
  /** Not done is no harm: the journal just goes on growing. */
  function rotateJournal(): void {
    try {
      journal?.rotate(store.revision(), store.entries());
    } catch (error) {
      options.log?.(`Embedded Kubernetes could not write a new snapshot of its objects: ${String(error)}`);
    }
  }
  journal?.rotate(store.revision(), store.entries());

  removeDependents(store);
  const crud = createCrud({ store, nowMs, admit: options.admit });
  const deletion = createDeletion({ store, crud, nowMs });
  const containerLog = options.containerLog ?? (() => []);
  const pods = createPodSubresources({ store, crud, deletion, containerLog, nowMs, logIntervalMs: 500 });
  const streams = new Map<ServerResponse, () => void>();
  let isStopping = false;
  const route = createRouter({
    store,
    crud,
    deletion,
    pods,
    documents: new Map([...discoveryDocuments(resourceDefinitions), ...openApiDocuments(resourceDefinitions)]),
    nowMs,
    bookmarkIntervalMs: options.bookmarkIntervalMs ?? 30_000,
    trackStream: (response, end) => {
      // What comes while the others are being told of the end is told at once.
      if (isStopping) return end();
      streams.set(response, end);
      response.on('close', () => streams.delete(response));
    },
  });

  const isLetIn = tokenCheck(options.credentials.token);
  const server = createServer(
    { cert: options.credentials.serverCertificate, key: options.credentials.serverKey, minVersion: 'TLSv1.2' },
    (request, response) => void answer(request, response),
  );
  server.keepAliveTimeout = 120_000;
  // Also those that have not finished their TLS handshake: `closeAllConnections` knows nothing of them.
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A client that goes away in the middle of an answer is its own business.
    response.on('error', () => undefined);
    try {
      const path = (request.url ?? '').split('?')[0];
      if (path === '/livez' || path === '/readyz' || path === '/healthz') {
        response.writeHead(200, { 'content-type': 'text/plain' }).end('ok');
        return;
      }
      if (!isLetIn(request)) throw statusError.unauthorized();
      await route(request, response);
    } catch (error) {
      refuse(request, response, error);
    }
  }

  function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    const status = error instanceof StatusError ? error : statusError.internal('the request could not be served');
    const hasLeft = request.destroyed && !request.complete;
    if (!(error instanceof StatusError) && !hasLeft) {
      const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
      options.log?.(`Embedded Kubernetes could not serve ${request.method} ${request.url}: ${why}`);
    }
    if (response.headersSent) {
      response.destroy();
      return;
    }
    // What is left of a refused body is not read, so the connection cannot be used again.
    if (!request.complete) response.setHeader('connection', 'close');
    sendJson(response, status.code, status.toStatus());
  }

  const port = await listen(server, options.port, options.host);
  const eventLifetimeMs = options.eventLifetimeMs ?? 60 * 60 * 1000;
  const events = definitionOf('events');
  const sweep = setInterval(() => {
    for (const event of store.list(storeKeyOf(events))) {
      const lastUsed = Date.parse(textAt(event, 'lastTimestamp') || event.metadata.creationTimestamp);
      if (lastUsed < nowMs() - eventLifetimeMs) store.remove(storeKeyOf(events), event);
    }
  }, 60_000);
  sweep.unref();

  return {
    port,
    compact: () => store.compact(),
    ensure(plural, namespace, body) {
      try {
        crud.create({ definition: definitionOf(plural), namespace }, body, { dryRun: false });
      } catch (error) {
        if (!(error instanceof StatusError && error.reason === 'AlreadyExists')) throw error;
      }
    },
    async stop() {
      isStopping = true;
      clearInterval(sweep);
      await endStreams(streams);
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      // Requests that are being answered get a moment; whoever holds a connection open longer is cut off.
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, 200);
      await closed;
      clearTimeout(cut);
      rotateJournal();
      journal?.close();
    },
  };
}

/** Ends what is streamed, and waits until the clients have been told, a moment at most. */
async function endStreams(streams: ReadonlyMap<ServerResponse, () => void>): Promise<void> {
  const finished = [...streams.keys()].map(
    async (response) => await new Promise<void>((resolve) => void response.once('finish', () => resolve())),
  );
  for (const end of streams.values()) end();
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, 100);
  });
  await Promise.race([Promise.all(finished), patience]);
  clearTimeout(timer);
  // Closing the server cuts idle connections off, also those whose last words TLS has not carried yet.
  if (finished.length > 0) await setTimeoutPromise(20);
}

/** Whether a request carries the token. Compared by digest, so that the time taken says nothing about it. */
function tokenCheck(token: string): (request: IncomingMessage) => boolean {
  const desired = digest(token);
  return (request) => {
    const match = /^Bearer\s+(\S+)\s*$/i.exec(request.headers.authorization ?? '');
    return match?.[1] !== undefined && timingSafeEqual(digest(match[1]), desired);
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  // A server that listens on a port has an address of this form.
  return (server.address() as AddressInfo).port;
}
