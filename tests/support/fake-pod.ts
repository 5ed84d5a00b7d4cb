/** A pod that a test controls: an HTTP server at an address of its own, on the port of the session proxy. */

import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTcpServer, type Server as TcpServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

const sessionProxyPort = 3002;

/** Addresses of 127.64.0.0/10, which the embedded kubelet gives to pods too. Each call returns another one. */
function newAddress(): string {
  return `127.${randomInt(64, 128)}.${randomInt(0, 256)}.${randomInt(1, 255)}`;
}

export interface FakePod {
  address: string;
  /** The header lines of every request that has arrived. */
  received: { method: string; url: string; headers: string[] }[];
  /** Replaces what the pod answers. */
  answer(listener: RequestListener): void;
  /** Replaces what the pod does with upgrades. */
  upgrade(listener: (socket: Duplex, request: Parameters<RequestListener>[0]) => void): void;
  stop(): Promise<void>;
}

/** @param listener what it answers at first */
export async function startFakePod(
  listener: RequestListener = (_request, response) => response.end('hello'),
): Promise<FakePod> {
  const address = newAddress();
  let current = listener;
  const received: FakePod['received'] = [];
  const server = createServer((request, response) => {
    received.push({ method: request.method ?? '', url: request.url ?? '', headers: request.rawHeaders });
    current(request, response);
  });
  let onUpgrade: Parameters<FakePod['upgrade']>[0] = (socket) => socket.destroy();
  const sockets = new Set<Duplex>();
  server.on('upgrade', (request, socket) => {
    received.push({ method: request.method ?? '', url: request.url ?? '', headers: request.rawHeaders });
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    onUpgrade(socket, request);
  });
  server.listen(sessionProxyPort, address);
  await once(server, 'listening');
  return {
    address,
    received,
    answer: (next) => (current = next),
    upgrade: (next) => (onUpgrade = next),
    async stop() {
      for (const socket of sockets) socket.destroy();
      await close(server);
    },
  };
}

export interface RawPod {
  address: string;
  /** What it writes after the head of each request. Afterwards it closes the connection, unless `keepsOpen`. */
  say(bytes: string, options?: { keepsOpen?: boolean }): void;
  /** The first bytes of each connection. */
  received: string[];
  stop(): Promise<void>;
}

/** A pod that writes bytes which no HTTP server would write. */
export async function startRawPod(): Promise<RawPod> {
  const address = newAddress();
  const sockets = new Set<Socket>();
  const received: string[] = [];
  let answer = { bytes: '', keepsOpen: false };
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      received.push(chunk.toString('latin1'));
      socket.write(answer.bytes, 'latin1');
      if (!answer.keepsOpen) socket.end();
    });
  });
  server.listen(sessionProxyPort, address);
  await once(server, 'listening');
  return {
    address,
    received,
    say: (bytes, { keepsOpen = false } = {}) => (answer = { bytes, keepsOpen }),
    async stop() {
      for (const socket of sockets) socket.destroy();
      await close(server);
    },
  };
}

async function close(server: Server | TcpServer): Promise<void> {
  server.close();
  if ('closeAllConnections' in server) server.closeAllConnections();
  await once(server, 'close');
}
