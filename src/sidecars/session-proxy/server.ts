/**
 * The session proxy: passes HTTP, server-sent events and WebSockets on to OpenCode for whoever shows the secret of the
 * project, and shows OpenCode the password that it asks for; `/healthz` for everybody. It keeps nothing and changes nothing
 * else: bytes go through as they come.
 */

import { createServer, request as send, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';

import { refuse, sendJson, type IsAllowed } from '../access.ts';

export interface SessionProxyOptions {
  /** Where OpenCode listens. */
  upstream: { host: string; port: number };
  /** What OpenCode wants to see. */
  password: string;
  isAllowed: IsAllowed;
}

/** They belong to one connection (RFC 9110, 7.6.1), or are ours. */
const ofConnection = [
  'connection',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
];

export function createSessionProxy({ upstream, password, isAllowed }: SessionProxyOptions): Server {
  const authorization = `Basic ${Buffer.from(`opencode:${password}`).toString('base64')}`;
  const onward = (request: IncomingMessage, headers: IncomingHttpHeaders) => ({
    ...upstream,
    method: request.method,
    path: request.url,
    headers: { ...headers, authorization, host: `${upstream.host}:${upstream.port}` },
  });

  const server = createServer((request, response) => {
    if (request.url === '/healthz') {
      sendJson(response, 200, { status: 'ok' });
      return;
    }
    if (!isAllowed(request)) {
      refuse(response);
      return;
    }
    const passed = send(onward(request, endToEnd(request)), (answer) => {
      response.writeHead(answer.statusCode ?? 502, endToEnd(answer));
      answer.on('error', () => response.destroy()).pipe(response);
    });
    passed.on('error', () => {
      if (response.headersSent) response.destroy();
      else sendJson(response, 502, { error: 'OpenCode does not answer. It may still be starting.' });
    });
    // Whoever goes away takes the call along: a stream of events would run for ever.
    response.on('close', () => passed.destroy());
    request.pipe(passed);
  });

  server.on('upgrade', (request, socket: Duplex, head) => {
    socket.on('error', () => socket.destroy());
    if (!isAllowed(request)) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const passed = send(
      onward(request, { ...endToEnd(request), connection: 'upgrade', upgrade: request.headers.upgrade }),
    );
    passed.on('upgrade', (answer, far, farHead) => {
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${rawHeaders(answer)}\r\n`);
      if (farHead.length > 0) socket.write(farHead);
      if (head.length > 0) far.write(head);
      far.on('error', () => socket.destroy()).on('close', () => socket.destroy());
      socket.on('close', () => far.destroy());
      far.pipe(socket).pipe(far);
    });
    passed.on('response', (answer) => {
      // No upgrade: its answer is the answer.
      socket.write(`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n${rawHeaders(answer)}\r\n`);
      answer.pipe(socket);
    });
    passed.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'));
    passed.end();
  });
  server.headersTimeout = 10_000;
  // The body may take as long as a person needs, and an answer as long as a stream lives.
  server.requestTimeout = 0;
  return server;
}

function endToEnd({ headers }: IncomingMessage): IncomingHttpHeaders {
  const named = (headers.connection ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !ofConnection.includes(name) && !named.includes(name)),
  );
}

function rawHeaders({ rawHeaders: pairs }: IncomingMessage): string {
  let text = '';
  for (let index = 0; index < pairs.length; index += 2) text += `${pairs[index]}: ${pairs[index + 1]}\r\n`;
  return text;
}
