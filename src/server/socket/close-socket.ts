/** Ends a WebSocket, whether or not its client takes part. */

import type { WebSocket } from 'ws';

/** A client that does not read does not read the close frame either, so the connection is cut after this time. */
const closeTimeoutMs = 2_000;
/** A close frame has room for 123 bytes; a character may take several. */
const maxReasonLength = 100;

export function closeSocket(socket: WebSocket, code: number, reason: string): void {
  socket.close(code, reason.slice(0, maxReasonLength));
  const timer = setTimeout(() => socket.terminate(), closeTimeoutMs).unref();
  socket.once('close', () => clearTimeout(timer));
}
