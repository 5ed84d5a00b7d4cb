/** Passes requests and WebSockets to the session proxy of a pod, without buffering, by means of http-proxy-3. */

import { ServerResponse, STATUS_CODES, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import { createProxyServer } from 'http-proxy-3';

import type { Clock } from '../shared/clock.ts';
import { refuseUpgrade, sendText } from './answers.ts';
import { handshakeHeadersFor, requestHeadersFor, responseHeadersFor } from './headers.ts';
import { createIdlePings } from './idle-pings.ts';
import { createPodAgent, passBody } from './pod-answer.ts';
import { tooLarge } from './request-problem.ts';

const sessionProxyPort = 3002;
const connectTimeoutMs = 5_000;
/** Interim answers (1xx) to one request. Node would read them without end. */
const maxInterimAnswers = 20;

export interface PodTarget {
  /** The IP address of the pod. */
  address: string;
  /** The sidecar credential of the project. */
  credential: string;
}

export interface PodProxy {
  passRequest(request: IncomingMessage, response: ServerResponse, target: PodTarget): void;
  passUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, target: PodTarget): void;
  close(): void;
}

/** @param deps.onUnreachable answers a request whose pod did not answer; nothing has been sent to the browser yet */
export function createPodProxy(deps: {
  onUnreachable: (request: IncomingMessage, response: ServerResponse) => void;
  maxBodyBytes: number;
  clock: Clock;
}): PodProxy {
  const pings = createIdlePings(deps);
  /** The browser's socket of each WebSocket, by the pod's socket. */
  const browsers = new WeakMap<Duplex, Duplex>();
  const agent = createPodAgent();
  const limits = { connectTimeout: connectTimeoutMs, proxyTimeout: 0 };
  const proxy = createProxyServer({ agent, ...limits, xfwd: false, selfHandleResponse: true });

  proxy.on('proxyReq', (upstream, request, response) => {
    limitInterimAnswers(upstream);
    let isAnswered = false;
    upstream.once('response', () => (isAnswered = true)).once('error', () => (isAnswered = true)); // the library answers it
    // A pod that switches protocols unasked: Node closes the connection and reports no error.
    upstream.once('close', () => {
      if (!isAnswered && !response.headersSent) deps.onUnreachable(request, response);
    });
  });
  proxy.on('proxyRes', (answer, _request, response) => {
    if (response.headersSent) {
      answer.destroy(); // the body of the request was too large
      return;
    }
    clean(answer);
    // The browser would otherwise wait when a pod ends in the middle of an answer.
    answer.once('close', () => {
      if (!answer.complete) response.destroy();
    });
    // Others ask the response for its headers, so they are set one by one.
    for (const [name, value] of Object.entries(answer.headers))
      if (value !== undefined) response.setHeader(name, value);
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage);
    passBody(answer, response);
  });
  proxy.on('proxyReqWs', (upstream, _request, socket) => {
    limitInterimAnswers(upstream);
    upstream.prependListener('upgrade', (answer, podSocket) => {
      browsers.set(podSocket, socket);
      clean(answer);
      Object.assign(answer.headers, { connection: 'upgrade', upgrade: 'websocket' });
    });
    // The pod refuses. The library would read the rest of the answer faster than the browser, so only its head is passed.
    upstream.prependListener('response', (answer) => {
      clean(answer);
      answer.headers = { connection: 'close', 'content-length': '0' };
      answer.destroy();
      setImmediate(() => closeAfterWriting(socket));
    });
    // A browser that disconnects during the handshake would leave the request to the pod open.
    socket.once('close', () => upstream.destroy());
  });
  proxy.on('open', (podSocket) => {
    const browser = browsers.get(podSocket);
    if (browser) pings.watch(browser, podSocket);
  });
  proxy.on('error', (_error, request, target) => {
    if (!(target instanceof ServerResponse)) refuseUpgrade(target, 502);
    else if (target.headersSent) target.destroy();
    else deps.onUnreachable(request, target);
  });

  return {
    passRequest(request, response, target) {
      limitBody(request, response, deps.maxBodyBytes);
      request.headers = requestHeadersFor(request.headers, target.credential);
      proxy.web(request, response, optionsFor(target));
    },
    passUpgrade(request, socket, head, target) {
      request.headers = handshakeHeadersFor(request.headers, target.credential);
      proxy.ws(request, socket, head, { ...optionsFor(target), agent: undefined });
    },
    close() {
      pings.stop();
      agent.destroy();
    },
  };
}

const optionsFor = ({ address }: PodTarget) => ({
  target: { host: address, port: sessionProxyPort, protocol: 'http:' },
});

/** Removes what a pod must not tell a browser, and what Node refuses to send and would throw about. */
function clean(answer: IncomingMessage): void {
  answer.headers = responseHeadersFor(answer.headers);
  const { statusCode = 0 } = answer;
  answer.statusCode = statusCode >= 200 && statusCode <= 599 ? statusCode : statusCode === 101 ? 101 : 502;
  answer.statusMessage = STATUS_CODES[answer.statusCode] ?? 'Unknown';
}

function limitInterimAnswers(upstream: ClientRequest): void {
  let count = 0;
  upstream.on('information', () => {
    if (++count > maxInterimAnswers) upstream.destroy(new Error('The pod sends interim answers without end.'));
  });
}

/** Counts a body whose length was not announced. */
function limitBody(request: IncomingMessage, response: ServerResponse, maxBodyBytes: number): void {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= maxBodyBytes) return;
    request.unpipe();
    sendText(response, 413, tooLarge(maxBodyBytes));
  });
}

function closeAfterWriting(socket: Duplex): void {
  socket.once('finish', () => socket.destroy());
  socket.end();
}
