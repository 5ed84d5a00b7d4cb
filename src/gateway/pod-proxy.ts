/** Passes requests and WebSockets to the session proxy of a pod, without buffering. The bytes are moved by http-proxy-3. */

import { Agent, ServerResponse, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import { createProxyServer } from 'http-proxy-3';

import { requestHeadersFor, responseHeadersFor } from './headers.ts';

const sessionProxyPort = 3002;
const connectTimeoutMs = 5_000;

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
export function createPodProxy(deps: { onUnreachable: (response: ServerResponse) => void }): PodProxy {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 256 });
  const proxy = createProxyServer({ agent, connectTimeout: connectTimeoutMs, proxyTimeout: 0, xfwd: false });

  proxy.on('proxyRes', (answer, _request, response) => {
    answer.headers = responseHeadersFor(answer.headers);
    // The library would leave the browser waiting when a pod ends in the middle of an answer.
    answer.once('close', () => {
      if (!answer.complete) response.destroy();
    });
  });
  proxy.on('proxyReqWs', (upstream) => {
    upstream.prependListener('upgrade', (answer) => {
      answer.headers = { ...responseHeadersFor(answer.headers), connection: 'upgrade', upgrade: 'websocket' };
    });
    upstream.prependListener('response', (answer) => {
      answer.headers = responseHeadersFor(answer.headers);
    });
  });
  proxy.on('error', (_error, _request, target) => {
    if (!(target instanceof ServerResponse)) {
      target.destroy();
      return;
    }
    if (target.headersSent) target.destroy();
    else deps.onUnreachable(target);
  });

  const optionsFor = ({ address }: PodTarget) => ({
    target: { host: address, port: sessionProxyPort, protocol: 'http:' },
  });
  return {
    passRequest(request, response, target) {
      request.headers = requestHeadersFor(request.headers, target.credential);
      proxy.web(request, response, optionsFor(target));
    },
    passUpgrade(request, socket, head, target) {
      request.headers = requestHeadersFor(request.headers, target.credential);
      proxy.ws(request, socket, head, { ...optionsFor(target), agent: undefined });
    },
    close: () => agent.destroy(),
  };
}
