/**
 * The session proxy: forwards HTTP, server-sent events and WebSockets to OpenCode for callers with the secret of the project. It
 * replaces the secret by the password of OpenCode, compresses the files of its user interface, and changes nothing else. The
 * `Host` header stays, because OpenCode compares it with `Origin`. It stores nothing and does not buffer. `GET /activity` says
 * whether somebody uses the project, and `/.project-manager/config` takes its configuration. `/healthz` needs no secret. `/llm/…` is
 * OpenCode's own way to models: see `model-passage.ts`.
 */

import {
  createServer,
  request as send,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Duplex } from 'node:stream';

import { createGate, createSecretCheck, refuse, sendJson, type IsAllowed } from '../access.ts';
import { createActivityRecord } from './activity.ts';
import { isModelPath, passToModels, type ModelPassageOptions } from './model-passage.ts';
import { createProjectConfig } from './project-config.ts';
import { sendAnswer } from './send-answer.ts';
import { createStartGuard } from './start-guard.ts';

interface SessionProxyOptions {
  /** Where OpenCode listens. */
  upstream: { host: string; port: number };
  /** The password of OpenCode. */
  password: string;
  isAllowed: IsAllowed;
  /** The way to models; without it there is none. */
  models?: ModelPassageOptions | null;
  /** Where the configuration is that the project manager gives to OpenCode; below the home folder of the image unless given. */
  configFolder?: string;
  /** For how long OpenCode may answer a health check; one second unless given. */
  checkMs?: number;
}

const configPath = '/.project-manager/config';
const notAnswering = { error: 'OpenCode does not answer. It may still be starting.' };
const badGateway = 'HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';

/** Headers that are not forwarded because they belong to one connection (RFC 9110, section 7.6.1). */
const connectionHeaders = [
  'connection',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
];

export function createSessionProxy({
  upstream,
  password,
  isAllowed,
  models = null,
  configFolder: folder = '/workspace/.home/.project-manager',
  checkMs = 1_000,
}: SessionProxyOptions): Server {
  const toModels = { passage: models, isFromOutside: isAllowed, isPassword: createSecretCheck(password) };
  const authorization = `Basic ${Buffer.from(`opencode:${password}`).toString('base64')}`;
  const forwarded = (request: IncomingMessage, headers: IncomingHttpHeaders) => ({
    ...upstream,
    method: request.method,
    path: request.url,
    headers: { ...headers, authorization },
  });
  const knowsPassword = createGate(password);
  const projectConfig = createProjectConfig({ upstream, authorization, folder });
  const guard = createStartGuard({ upstream, authorization, checkMs });
  const activity = createActivityRecord({ upstream, authorization, folder, now: () => new Date() });

  const server = createServer((request, response) => {
    if (request.url === '/healthz') {
      sendJson(response, 200, { status: 'ok' });
      return;
    }
    if (isModelPath(request.url)) {
      response.once('finish', () => {
        if (response.statusCode < 400) activity.recordUse();
      });
      passToModels(request, response, toModels);
      return;
    }
    if (request.url === configPath) {
      if (!knowsPassword(request)) {
        refuse(response);
        return;
      }
      if (request.method === 'PUT') activity.recordUse();
      void projectConfig(request, response);
      return;
    }
    if (!isAllowed(request)) {
      refuse(response);
      return;
    }
    if (request.method === 'GET' && request.url === '/activity') {
      void activity.read().then((read) => sendJson(response, 200, read));
      return;
    }
    activity.recordRequest(request);
    guard.pass(
      () => forward(request, response),
      () => sendJson(response, 502, notAnswering),
    );
  });

  function forward(request: IncomingMessage, response: ServerResponse): void {
    if (response.destroyed) return; // the caller has left
    const upstreamRequest = send(forwarded(request, endToEnd(request)), (answer) => {
      // A stream that OpenCode breaks off may be its end.
      answer.once('error', () => {
        if (!response.destroyed) guard.close();
      });
      const { method, url } = request;
      const acceptEncoding = request.headers['accept-encoding'];
      const exchange = { method, url, acceptEncoding, status: answer.statusCode, headers: answer.headers };
      sendAnswer(answer, response, { exchange, headers: endToEnd(answer) });
    });
    upstreamRequest.on('error', () => {
      if (!response.destroyed) guard.close();
      if (response.headersSent) response.destroy();
      else sendJson(response, 502, notAnswering);
    });
    // When the caller disconnects, the call to OpenCode ends too. Otherwise a stream of events would never end.
    response.on('close', () => upstreamRequest.destroy());
    request.pipe(upstreamRequest);
  }

  server.on('upgrade', (request, socket: Duplex, head) => {
    socket.on('error', () => socket.destroy());
    if (!isAllowed(request)) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    activity.recordRequest(request);
    guard.pass(
      () => upgrade(request, socket, head),
      () => socket.end(badGateway),
    );
  });

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (socket.destroyed) return; // the caller has left
    const upstreamRequest = send(
      forwarded(request, { ...endToEnd(request), connection: 'upgrade', upgrade: request.headers.upgrade }),
    );
    upstreamRequest.on('upgrade', (answer, upstreamSocket, upstreamHead) => {
      if (socket.destroyed) {
        upstreamSocket.destroy();
        return;
      }
      activity.recordSocket(request.url ?? '', socket);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${rawHeaders(answer)}\r\n`);
      if (upstreamHead.length > 0) socket.write(upstreamHead);
      if (head.length > 0) upstreamSocket.write(head);
      upstreamSocket.on('error', () => socket.destroy());
      upstreamSocket.on('close', () => {
        if (!socket.destroyed) guard.close();
        socket.destroy();
      });
      socket.on('close', () => upstreamSocket.destroy());
      upstreamSocket.pipe(socket).pipe(upstreamSocket);
    });
    upstreamRequest.on('response', (answer) => {
      // OpenCode refuses the upgrade: its answer is forwarded.
      socket.write(`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n${rawHeaders(answer)}\r\n`);
      answer.pipe(socket);
    });
    upstreamRequest.on('error', () => {
      if (!socket.destroyed) guard.close();
      socket.end(badGateway);
    });
    socket.once('close', () => upstreamRequest.destroy());
    upstreamRequest.end();
  }
  server.headersTimeout = 10_000;
  // No limit for a whole request: uploads and streams may take any time.
  server.requestTimeout = 0;
  return server;
}

function endToEnd({ headers }: IncomingMessage): IncomingHttpHeaders {
  const listed = (headers.connection ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !connectionHeaders.includes(name) && !listed.includes(name)),
  );
}

function rawHeaders({ rawHeaders: pairs }: IncomingMessage): string {
  let text = '';
  for (let index = 0; index < pairs.length; index += 2) text += `${pairs[index]}: ${pairs[index + 1]}\r\n`;
  return text;
}
