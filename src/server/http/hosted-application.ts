/**
 * Another application in the listener of the server, chosen by host name: `npm start` serves the origins of projects this
 * way. It takes its requests before Fastify reads anything of them, so its bodies and streams have no limits of the product.
 */

import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import { httpTimeoutMs } from '../limits.ts';

export interface HostedApplication {
  /** Whether the request is for a host of this application. */
  handles(request: IncomingMessage): boolean;
  handleRequest(request: IncomingMessage, response: ServerResponse): void;
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** For Fastify's `serverFactory`. Without it, Fastify sets the same times on a server of its own. */
export function hostingServerFactory(
  hosted: HostedApplication,
  options: { http: ServerOptions; keepAliveTimeoutMs: number },
): (handler: Handler) => Server {
  return (handler) => {
    const server = createServer(options.http, (request, response) => {
      if (hosted.handles(request)) {
        request.socket.setTimeout(0);
        hosted.handleRequest(request, response);
        return;
      }
      limitReading(request);
      handler(request, response);
    });
    server.headersTimeout = httpTimeoutMs;
    server.requestTimeout = 0; // it would also limit uploads to projects
    server.keepAliveTimeout = options.keepAliveTimeoutMs;
    server.setTimeout(httpTimeoutMs);
    return server;
  };
}

/** A request to the product has to arrive within the time that `requestTimeout` sets elsewhere. */
function limitReading(request: IncomingMessage): void {
  if (request.complete) return;
  const timer = setTimeout(() => {
    if (!request.complete) request.socket.destroy();
  }, httpTimeoutMs);
  request.once('close', () => clearTimeout(timer));
}
