/**
 * The way of OpenCode to models: `POST /llm/<provider>/…` of the same pod is forwarded to the model broker, with the credential of the
 * project, which OpenCode does not have. OpenCode sends its own password in place of a key.
 *
 * Only a program of this pod may use it. A request with the secret of the project came from outside, through the gateway or the server,
 * so it is refused whatever else it has. The address must be a loopback one too, and the password keeps other pods of `npm start` away,
 * which all share the loopback addresses of one machine.
 */

import { request as sendHttp, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import { request as sendHttps } from 'node:https';
import { pipeline } from 'node:stream';

import { sendJson, type HoldsSecret, type IsAllowed } from '../access.ts';

export interface ModelPassageOptions {
  /** Where the model broker is, such as `http://gateway.opencode-system:3083`. */
  brokerUrl: string;
  projectId: string;
  /** The credential `models` of the project. */
  credential: string;
}

const connectTimeoutMs = 5_000;

/** Whether the path belongs to the passage, however it is written. OpenCode has no path that begins so. */
export function isModelPath(url: string | undefined): boolean {
  return /^[/\\]*llm(?:[/\\?#]|$)/i.test(url ?? '');
}

export function passToModels(
  request: IncomingMessage,
  response: ServerResponse,
  deps: { passage: ModelPassageOptions | null; isFromOutside: IsAllowed; isPassword: HoldsSecret },
): void {
  const { passage, isFromOutside, isPassword } = deps;
  if (isFromOutside(request) || !isLoopback(request.socket.remoteAddress)) {
    return sendProblem(response, 404, 'Only programs of the project itself reach models here.');
  }
  if (!isPassword(keyOf(request))) {
    return sendProblem(response, 401, 'Send the password of OpenCode as the key: this project needs no other one.');
  }
  if (passage === null) return sendProblem(response, 404, 'This installation offers no models.');
  forward(request, response, passage);
}

function forward(request: IncomingMessage, response: ServerResponse, passage: ModelPassageOptions): void {
  const url = new URL(passage.brokerUrl);
  const send = url.protocol === 'https:' ? sendHttps : sendHttp;
  const upstream = send({
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port,
    method: request.method,
    path: request.url,
    headers: headersFor(request, passage),
  });
  const unreachable = (): void => {
    if (response.headersSent) response.destroy();
    else sendProblem(response, 503, 'The model broker does not answer. Try again in a moment.');
  };
  upstream.once('socket', (socket) => {
    if (!socket.connecting) return;
    const timer = setTimeout(() => upstream.destroy(), connectTimeoutMs);
    socket.once('connect', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
  });
  upstream.on('error', unreachable).on('response', (answer) => {
    const { connection: _, 'transfer-encoding': _frames, 'keep-alive': _time, ...headers } = answer.headers;
    response.writeHead(answer.statusCode ?? 502, headers);
    response.flushHeaders();
    pipeline(answer, response, () => undefined); // it ends both when one fails
  });
  response.on('close', () => upstream.destroy());
  request.on('error', () => upstream.destroy()).pipe(upstream);
}

/** Headers that stay in the pod: they belong to the connection, or are credentials. */
const keptInPod = new Set([
  'authorization',
  'connection',
  'cookie',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-api-key',
]);

function headersFor({ headers }: IncomingMessage, { projectId, credential }: ModelPassageOptions): OutgoingHttpHeaders {
  const passed = Object.entries(headers).filter(([name]) => !keptInPod.has(name));
  return {
    ...Object.fromEntries(passed),
    // A body of unknown length keeps its frames.
    ...(headers['transfer-encoding'] === undefined ? {} : { 'transfer-encoding': 'chunked' }),
    'x-opencode-project': projectId,
    authorization: `Bearer ${credential}`,
  };
}

/** The key as the usual providers expect it. */
function keyOf({ headers }: IncomingMessage): string {
  const bearer = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  const apiKey = headers['x-api-key'];
  return bearer ?? (typeof apiKey === 'string' ? apiKey : '');
}

function isLoopback(address: string | undefined): boolean {
  return /^(?:::ffff:)?127\.|^::1$/.test(address ?? '');
}

/** In a shape that clients of OpenAI and of Anthropic show. */
function sendProblem(response: ServerResponse, status: number, message: string): void {
  sendJson(
    response,
    status,
    { type: 'error', error: { type: 'invalid_request_error', message } },
    { connection: 'close' },
  );
}
