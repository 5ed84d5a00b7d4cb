/** The HTTP side of a WebSocket handshake: which upgrades are refused, and how a refusal is written. */

import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import type { AppError } from '../../shared/contract/errors.ts';
import { originRefusal } from '../http/origin.ts';

export interface UpgradeRefusal {
  status: 403 | 404 | 429 | 503;
  message: string;
  retryAfterSeconds: number | null;
}

/** @param options.admit returns the reason why one more handshake is too many; it counts each call */
export function upgradeRefusal(
  { url, headers }: Pick<IncomingMessage, 'url' | 'headers'>,
  options: { isStopping: boolean; publicOrigin: string; admit: () => AppError | null },
): UpgradeRefusal | null {
  const refuse = (status: UpgradeRefusal['status'], message: string): UpgradeRefusal => ({
    status,
    message,
    retryAfterSeconds: null,
  });
  if (handshakeUrl(url)?.pathname !== '/trpc') return refuse(404, 'There is no WebSocket here. Use /trpc.');
  if (options.isStopping) return refuse(503, 'The server is stopping. Connect again.');
  const excess = options.admit();
  if (excess) return { status: 429, message: excess.message, retryAfterSeconds: excess.retryAfterSeconds };
  const foreign = originRefusal(headers.origin, options.publicOrigin);
  return foreign === null ? null : refuse(403, foreign);
}

/** Whether the first message on the socket will name the caller. */
export function expectsConnectionParams(url: string | undefined): boolean {
  return handshakeUrl(url)?.searchParams.get('connectionParams') === '1';
}

export function writeRefusal(stream: Duplex, { status, message, retryAfterSeconds }: UpgradeRefusal): void {
  const retryAfter = retryAfterSeconds === null ? '' : `Retry-After: ${retryAfterSeconds}\r\n`;
  // Nothing reads this connection any more, so its end would never be noticed and it would stay open for ever.
  stream.once('finish', () => stream.destroy());
  stream.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n` +
      `X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n${retryAfter}` +
      `Content-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`,
  );
}

function handshakeUrl(url: string | undefined): URL | null {
  return URL.parse(url ?? '/', 'http://localhost');
}
