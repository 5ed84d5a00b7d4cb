/**
 * A proxy in front of a Kubernetes API that a test can make fail. It forwards each request to the API of a kubeconfig, unless
 * the test answers the request itself. It has its own TLS server and certificate authority, a TCP proxy on a fixed port in
 * front of that server, and a kubeconfig that names this port and trusts this authority.
 */

import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request as httpsRequest } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { KubeConfig } from '@kubernetes/client-node';

import { loadCredentials } from '../../src/embedded/kubernetes/api/credentials.ts';
import { createFaultyWatch, type FaultyWatch, type WatchEvent } from './faulty-watch.ts';
import { createTcpProxy, type TcpProxy } from './tcp-proxy.ts';

export interface PassingRequest {
  /** When it arrived, in milliseconds of `performance.now()`. */
  at: number;
  method: string;
  /** The path without the query. */
  path: string;
  isWatch: boolean;
  /** The body as text; empty until it has arrived. */
  body: string;
  /** The status that the API answered; `null` before the answer, and when a fault answered instead. */
  status: number | null;
}

type SettledFault =
  | { status: number; body: object; headers?: Record<string, string> }
  /** Forwards the request, but resets the connection instead of sending the answer. */
  | 'lose-answer'
  /** Resets the connection without forwarding the request. */
  | 'reset'
  /** Never answers. */
  | 'hang'
  /** Forwards the request, sends the headers and half of the body of the answer, and then nothing more. */
  | 'hang-in-body';

/** What happens to a request: `undefined` forwards it; a promise holds it back until the promise is settled. */
export type Fault = SettledFault | Promise<SettledFault | undefined>;

export interface FaultyKubernetes {
  kubeconfigPath: string;
  /** Writes another kubeconfig, with this as its `user`, and returns its path. */
  kubeconfigFor(user: object): Promise<string>;
  /** Every request so far, forwarded or not. */
  requests: PassingRequest[];
  /** The watches that are open now. */
  watches: ReadonlySet<FaultyWatch>;
  /** The accepted bearer tokens; a request with another one is answered with 401. A test may change them at any time. */
  tokens: Set<string>;
  /** Decides what happens to a request. A test may replace it at any time. */
  fault: (request: PassingRequest) => Fault | undefined;
  /** Called for each watch that begins. A test may replace it at any time. */
  onWatch: (watch: FaultyWatch) => void;
  /** Maps each event of a watch to the events that the worker receives. A test may replace it at any time. */
  alter: (event: WatchEvent, watch: FaultyWatch) => WatchEvent[];
  /** How far the clock of the cluster seems to be ahead, in the `Date` header of its answers. */
  aheadMs: number;
  /** Removes all faults that a test has set. */
  heal(): void;
  /** The network between the worker and the API. {@link comeBack} replaces it. */
  readonly network: TcpProxy;
  /** Resets every connection, and forgets the requests on them that were not forwarded yet. New connections are accepted. */
  cut(): void;
  /** Stops listening, until {@link comeBack} listens on the same port again. */
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
  const authorization = `Bearer ${upstream.getCurrentUser()?.token}`;
  const agent = new Agent({ keepAlive: true, ca });
  const directory = await mkdtemp(join(tmpdir(), 'faulty-kubernetes-'));
  const credentials = await loadCredentials(directory, ['127.0.0.1']);
  const watches = new Set<FaultyWatch>();
  /** The TCP sockets below TLS, by remote port. Only a TCP socket can be reset. */
  const sockets = new Map<number | undefined, Socket>();
  /** When {@link FaultyKubernetes.cut} was called last, in milliseconds of `performance.now()`. */
  let cutAt = 0;

  const server = createServer(
    { key: credentials.serverKey, cert: credentials.serverCertificate },
    (request, response) => void pass(request, response),
  );
  server.on('connection', (socket: Socket) => {
    const { remotePort } = socket;
    sockets.set(remotePort, socket);
    socket.on('error', () => undefined); // cut on purpose
    socket.on('close', () => {
      if (sockets.get(remotePort) === socket) sockets.delete(remotePort);
    });
  });
  server.on('tlsClientError', () => undefined); // cut while shaking hands
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const behind = { host: '127.0.0.1', port: (server.address() as AddressInfo).port }; // it listens on TCP
  let network = await createTcpProxy(behind);
  const { port } = network;

  const authority = Buffer.from(credentials.caCertificate).toString('base64');
  let kubeconfigs = 0;
  async function kubeconfigFor(user: object): Promise<string> {
    const name = 'faulty';
    const path = join(directory, `kubeconfig-${++kubeconfigs}`);
    const kubeconfig = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': name,
      clusters: [
        {
          name,
          cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': authority },
        },
      ],
      users: [{ name, user }],
      contexts: [{ name, context: { cluster: name, user: name } }],
    };
    await writeFile(path, JSON.stringify(kubeconfig));
    return path;
  }

  const faulty: FaultyKubernetes = {
    kubeconfigPath: await kubeconfigFor({ token: credentials.token }),
    kubeconfigFor,
    requests: [],
    watches,
    tokens: new Set([credentials.token]),
    ...noFaults,
    heal: () => void Object.assign(faulty, noFaults),
    get network() {
      return network;
    },
    cut() {
      cutAt = performance.now();
      network.reset();
      for (const socket of sockets.values()) socket.destroy();
    },
    goAway: () => network.close(),
    async comeBack() {
      network = await createTcpProxy(behind, { port });
    },
    async stop() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets.values()) socket.destroy();
      agent.destroy();
      await Promise.all([closed, network.close()]);
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
      body: '',
      status: null,
    };
    faulty.requests.push(passing);
    const reset = () => void sockets.get(request.socket.remotePort)?.resetAndDestroy();
    const chunks: Uint8Array[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Uint8Array); // no encoding was set
    } catch {
      return; // cut in the middle of its body
    }
    if (passing.at < cutAt) return; // a fault must not be spent on a request that nobody waits for
    passing.body = Buffer.concat(chunks).toString();
    const fault = isKnown(request) ? await faulty.fault(passing) : unauthorized;
    if (fault === 'hang') return;
    if (fault === 'reset') return reset();
    if (typeof fault === 'object') {
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
      response.end(JSON.stringify(fault.body));
      return;
    }
    const headers = { ...request.headers, authorization };
    const forwarded = httpsRequest(url, { method: passing.method, headers, agent }, (answer) => {
      passing.status = answer.statusCode ?? null;
      answer.on('error', () => response.destroy());
      if (fault === 'lose-answer') return void answer.resume().on('end', reset);
      const date = new Date(Date.now() + faulty.aheadMs).toUTCString();
      response.writeHead(answer.statusCode ?? 502, { ...answer.headers, date });
      response.flushHeaders();
      if (fault === 'hang-in-body') return void sendHalf(answer, response);
      if (!passing.isWatch || answer.statusCode !== 200) return void answer.pipe(response);
      const watch = createFaultyWatch({
        path: passing.path,
        answer,
        response,
        reset,
        alter: (...all) => faulty.alter(...all),
      });
      watches.add(watch);
      response.on('close', () => watches.delete(watch));
      faulty.onWatch(watch);
    });
    response.on('close', () => forwarded.destroy());
    forwarded.on('error', () => response.destroy());
    forwarded.end(Buffer.concat(chunks));
  }

  function isKnown({ headers }: IncomingMessage): boolean {
    return faulty.tokens.has(headers.authorization?.replace(/^Bearer /, '') ?? '');
  }

  return faulty;
}

const noFaults: Pick<FaultyKubernetes, 'aheadMs' | 'fault' | 'onWatch' | 'alter'> = {
  aheadMs: 0,
  fault: () => undefined,
  onWatch: () => undefined,
  alter: (event) => [event],
};

const unauthorized: SettledFault = {
  status: 401,
  body: {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code: 401,
    reason: 'Unauthorized',
    message: 'Unauthorized',
  },
};

async function sendHalf(answer: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of answer) chunks.push(chunk as Uint8Array); // no encoding was set
  } catch {
    return; // the client went first
  }
  const body = Buffer.concat(chunks);
  response.write(body.subarray(0, Math.ceil(body.length / 2)));
}
