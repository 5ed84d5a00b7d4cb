/** How the gateway itself answers: pages for people, plain text for programs, and refusals of upgrades. */

import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** The pages of the gateway load nothing from elsewhere. */
const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const headersOfAll = {
  'cache-control': 'no-store',
  'content-security-policy': pagePolicy,
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
};

/** Whether a person looks at the answer. */
export function wantsPage({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  return (method === 'GET' || method === 'HEAD') && (headers.accept ?? '').includes('text/html');
}

export function sendPage(response: ServerResponse, status: number, html: string): void {
  send(response, status, { type: 'text/html', body: html });
}

export function sendText(response: ServerResponse, status: number, text: string): void {
  send(response, status, { type: 'text/plain', body: `${text}\n` });
}

export function sendScript(response: ServerResponse, script: string): void {
  send(response, 200, { type: 'text/javascript', body: script });
}

function send(response: ServerResponse, status: number, { type, body }: { type: string; body: string }): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // The rest of a body that nobody reads would keep the connection busy.
  if (!response.req.complete) response.setHeader('connection', 'close');
  const own = { 'content-type': `${type}; charset=utf-8`, 'content-length': Buffer.byteLength(body) };
  response.writeHead(status, { ...headersOfAll, ...own }).end(body);
}

/** Refuses an upgrade. Nothing reads the connection any more, so it is closed. */
export function refuseUpgrade(socket: Duplex, status: number): void {
  socket.once('finish', () => socket.destroy());
  const retry = status === 503 ? 'retry-after: 2\r\n' : '';
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${retry}connection: close\r\ncontent-length: 0\r\n\r\n`);
}
