/** The response to bytes that Node cannot parse as an HTTP request, in the shape of every other refusal. */

import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

import { AppError } from '../../shared/contract/errors.ts';
import { shapeOf } from '../error-shape.ts';

/** Writes to the socket itself, because there is no request, and closes it: the next request's start cannot be found. */
export function refuseUnreadable(error: { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, refusal } = refusalOf(error.code);
  const { data, ...shape } = shapeOf(refusal);
  const body = JSON.stringify({ error: { ...shape, data: { ...data, httpStatus: status } } });
  const head =
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n`;
  socket.end(head + body, () => socket.destroy());
}

function refusalOf(code: string | undefined): { status: 400 | 408 | 431; refusal: AppError } {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    const message = 'The request did not arrive in time. Send it again, without pauses.';
    return { status: 408, refusal: new AppError('VALIDATION_FAILED', message) };
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    const message =
      'The address and the headers, cookies included, are too large: at most 16 KiB are read. Send fewer calls at once, or delete the cookies of this site and of its domain.';
    return { status: 431, refusal: new AppError('PAYLOAD_TOO_LARGE', message) };
  }
  const message = 'The request could not be read. Check how it was sent.';
  return { status: 400, refusal: new AppError('VALIDATION_FAILED', message) };
}
