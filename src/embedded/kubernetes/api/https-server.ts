/** The HTTPS listener of the API: it accepts connections, and cuts them off when it stops. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

import type { Credentials } from './credentials.ts';

/** How long running requests may take after the stop. */
const drainMs = 200;

interface HttpsServer {
  port: number;
  stop: () => Promise<void>;
}

/**
 * @param options.port 0 takes any free port
 * @throws when the port cannot be listened on
 */
export async function startHttpsServer(options: {
  credentials: Credentials;
  port: number;
  host: string;
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
}): Promise<HttpsServer> {
  const { credentials, answer } = options;
  const server = createServer(
    { cert: credentials.serverCertificate, key: credentials.serverKey, minVersion: 'TLSv1.2' },
    (request, response) => void answer(request, response),
  );
  server.keepAliveTimeout = 120_000;
  // All sockets, because `closeAllConnections` does not close those that have not finished their TLS handshake.
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const port = await listen(server, options.port, options.host);
  return {
    port,
    async stop() {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, drainMs);
      await closed;
      clearTimeout(cut);
    },
  };
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  // A server that listens on a TCP port has an AddressInfo.
  return (server.address() as AddressInfo).port;
}
