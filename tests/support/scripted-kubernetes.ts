/**
 * A Kubernetes API whose every answer comes from the test: lists, watches, errors, invalid data, resets and silence. It is an
 * HTTP server on real sockets and knows nothing about Kubernetes.
 */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import { KubeConfig } from '@kubernetes/client-node';

const timeoutMs = 5_000;

/** A request that waits for its answer. */
export interface ScriptedRequest {
  /** When it arrived, in milliseconds of `performance.now()`. */
  at: number;
  method: string;
  path: string;
  query: URLSearchParams;
  /** Resolves when either side has closed the connection of this request. */
  closed: Promise<void>;
  /** Answers with a list of the resource. */
  list(items: object[], metadata: { resourceVersion: string; continue?: string }): void;
  /** Sends a complete answer. An object is sent as JSON. */
  answer(status: number, body: object | string, headers?: Record<string, string>): void;
  /** Sends status 200. Events follow by {@link event} and {@link raw}. */
  openWatch(): void;
  event(type: string, object: object): void;
  raw(text: string | Uint8Array): void;
  /** The regular end of a watch. */
  end(): void;
  /** Resets the connection. */
  reset(): void;
}

export interface ScriptedKubernetes {
  kubeConfig: KubeConfig;
  /** The next request. Waits for it up to five seconds. */
  next(): Promise<ScriptedRequest>;
  /** The number of requests that `next` has not returned yet. */
  unasked(): number;
  stop(): Promise<void>;
}

/** Starts it on a free port of the loopback interface. */
export async function createScriptedKubernetes(): Promise<ScriptedKubernetes> {
  const arrived: ScriptedRequest[] = [];
  let onArrival: (() => void) | null = null;
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    // The client only checks here whether the API is reachable.
    if (request.url === '/version') return sendJson(response, 200, { major: '1' });
    arrived.push(scriptedRequest(request, response));
    onArrival?.();
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP

  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromClusterAndUser(
    // The client library uses plain HTTP only with this option.
    { name: 'scripted', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: 'tester', token: 'test-token' },
  );
  return {
    kubeConfig,
    async next() {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const request = arrived.shift();
        if (request) return request;
        const left = deadline - performance.now();
        if (left <= 0) throw new Error(`No request came within ${timeoutMs} ms.`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left);
          onArrival = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
    unasked: () => arrived.length,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function scriptedRequest(request: IncomingMessage, response: ServerResponse): ScriptedRequest {
  const url = new URL(request.url ?? '/', 'http://scripted');
  const { socket } = request;
  socket.setMaxListeners(0); // one connection has many requests
  socket.on('error', () => undefined); // the test resets connections on purpose
  return {
    at: performance.now(),
    method: request.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    closed: new Promise((resolve) => {
      socket.once('close', () => resolve());
    }),
    list: (items, metadata) => sendJson(response, 200, { kind: 'PodList', apiVersion: 'v1', metadata, items }),
    answer(status, body, headers = {}) {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      if (typeof body === 'string') response.writeHead(status).end(body);
      else sendJson(response, status, body);
    },
    openWatch() {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
    },
    event: (type, object) => void response.write(`${JSON.stringify({ type, object })}\n`),
    raw: (text) => void response.write(text),
    end: () => void response.end(),
    reset: () => void socket.resetAndDestroy(),
  };
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.setHeader('content-type', 'application/json');
  response.writeHead(status).end(JSON.stringify(body));
}
