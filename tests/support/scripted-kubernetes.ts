/**
 * A Kubernetes API that answers only what a test tells it to, request by request, over real sockets: lists, watches,
 * errors, garbage, resets and silence. It knows no rule of Kubernetes; it owns one HTTP server and its connections.
 */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import { KubeConfig } from '@kubernetes/client-node';

const timeoutMs = 5_000;

/** One request that waits for its answer. */
export interface ScriptedRequest {
  /** When it came, in milliseconds of `performance.now()`. */
  at: number;
  method: string;
  path: string;
  query: URLSearchParams;
  /** Resolves when the connection of this request has been closed by whichever side. */
  closed: Promise<void>;
  /** A list of the resource, with status 200. */
  list(items: object[], metadata: { resourceVersion: string; continue?: string }): void;
  /** Any complete answer; an object is sent as JSON. */
  answer(status: number, body: object | string, headers?: Record<string, string>): void;
  /** Status 200 and no end: events follow by {@link event} and {@link raw}. */
  openWatch(): void;
  event(type: string, object: object): void;
  raw(text: string | Uint8Array): void;
  /** The regular end of a watch. */
  end(): void;
  /** Cuts the connection in the middle. */
  reset(): void;
}

export interface ScriptedKubernetes {
  kubeConfig: KubeConfig;
  /** The next request that nobody has been given yet; waits for it up to five seconds. */
  next(): Promise<ScriptedRequest>;
  /** Requests that no `next` was asked for. */
  unasked(): number;
  stop(): Promise<void>;
}

/** Starts it on a free port of this machine's loopback. */
export async function createScriptedKubernetes(): Promise<ScriptedKubernetes> {
  const arrived: ScriptedRequest[] = [];
  let onArrival: (() => void) | null = null;
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    // Whoever asks this only wants to know whether anybody is there.
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
    // The client library speaks plain HTTP only with this switch.
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
  socket.setMaxListeners(0); // one connection carries many requests
  socket.on('error', () => undefined); // the test cuts connections on purpose
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
