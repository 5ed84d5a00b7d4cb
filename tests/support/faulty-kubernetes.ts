/**
 * A real Kubernetes API behind a door that a test can close, slow down or make lie: requests are forwarded over TLS to
 * the API of a kubeconfig, unless the test answers them itself. It owns a plain HTTP server on a port that it keeps for
 * its life, and a kubeconfig that points to it.
 */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { KubeConfig } from '@kubernetes/client-node';

export interface PassingRequest {
  /** When it came, in milliseconds of `performance.now()`. */
  at: number;
  method: string;
  /** The path without the query. */
  path: string;
  isWatch: boolean;
}

/** What a test does with a request: `undefined` forwards it. */
export type Fault =
  | { status: number; body: object; headers?: Record<string, string> }
  /** Holds it back until the promise is settled, and then does what that says. */
  | Promise<Fault | undefined>
  /** Forwards it, but cuts the connection in place of the answer. */
  | 'lose-answer';

export interface FaultyKubernetes {
  kubeconfigPath: string;
  /** Every request so far, forwarded or not. */
  requests: PassingRequest[];
  /** Replaced by a test at any time. */
  fault: (request: PassingRequest) => Fault | undefined;
  /** Cuts every connection; new ones are welcome. */
  cut(): void;
  /** Nobody listens any more, until {@link comeBack} on the same port. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  stop(): Promise<void>;
}

export async function createFaultyKubernetes(kubeconfigPath: string): Promise<FaultyKubernetes> {
  const upstream = new KubeConfig();
  upstream.loadFromFile(kubeconfigPath);
  const cluster = upstream.getCurrentCluster();
  const target = new URL(cluster?.server ?? '');
  const ca = Buffer.from(cluster?.caData ?? '', 'base64');
  const directory = await mkdtemp(join(tmpdir(), 'faulty-kubernetes-'));
  const sockets = new Set<Socket>();
  let server: Server | null = null;
  let port = 0;

  const faulty: FaultyKubernetes = {
    kubeconfigPath: join(directory, 'kubeconfig'),
    requests: [],
    fault: () => undefined,
    cut() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    async goAway() {
      const closed = server && once(server, 'close');
      server?.close();
      server = null;
      faulty.cut();
      await closed;
    },
    async comeBack() {
      server = createServer((request, response) => void pass(request, response));
      server.on('connection', (socket) => {
        sockets.add(socket);
        socket.on('error', () => undefined); // cut on purpose
        socket.on('close', () => sockets.delete(socket));
      });
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      ({ port } = server.address() as AddressInfo); // it listens on TCP
    },
    async stop() {
      if (server) await faulty.goAway();
      await rm(directory, { recursive: true, force: true });
    },
  };

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', target);
    const passing: PassingRequest = {
      at: performance.now(),
      method: request.method ?? '',
      path: url.pathname,
      isWatch: url.searchParams.get('watch') === 'true',
    };
    faulty.requests.push(passing);
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk as Uint8Array); // no encoding was set
    const fault = await faulty.fault(passing);
    if (fault !== undefined && fault !== 'lose-answer') {
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
      response.end(JSON.stringify(fault.body));
      return;
    }
    const forwarded = httpsRequest(url, { method: passing.method, headers: request.headers, ca }, (answer) => {
      if (fault === 'lose-answer') {
        answer.resume().on('end', () => request.socket.resetAndDestroy());
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    response.on('close', () => forwarded.destroy());
    forwarded.on('error', () => response.destroy());
    forwarded.end(Buffer.concat(chunks));
  }

  await faulty.comeBack();
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'faulty',
    // The client library speaks plain HTTP only with this switch.
    clusters: [{ name: 'faulty', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'tester', user: { token: upstream.getCurrentUser()?.token } }],
    contexts: [{ name: 'faulty', context: { cluster: 'faulty', user: 'tester' } }],
  };
  await writeFile(faulty.kubeconfigPath, JSON.stringify(kubeconfig));
  return faulty;
}
