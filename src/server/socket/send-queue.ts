/** The outgoing side of one WebSocket: backpressure, and the end of a client that does not read. */

import { WebSocket } from 'ws';

import { closeAboveBytes, pauseAboveBytes } from '../limits.ts';
import { closeSocket } from './close-socket.ts';

const tooSlow = { code: 1013, reason: 'You read too slowly. Connect again.' };

export interface SendQueue {
  send: (data: string) => void;
  close: (code: number, reason: string) => void;
  /** Whether so much waits for the client that nothing more should be read from it. */
  isBehind: () => boolean;
  /** Resolves when the client has read most of what it was sent, or when the signal aborts. */
  whenWritable: (signal: AbortSignal) => Promise<void>;
}

/**
 * @param options.maxStallMs how long a client that does not read may keep its subscriptions waiting
 * @param options.onDrained the client has read enough to be read from again
 */
export function createSendQueue(
  socket: WebSocket,
  { maxStallMs, onDrained }: { maxStallMs: number; onDrained: () => void },
): SendQueue {
  const waiters = new Set<() => void>();
  const isBehind = () => socket.bufferedAmount > pauseAboveBytes;

  const close = (code: number, reason: string) => closeSocket(socket, code, reason);

  function releaseWaiters(): void {
    for (const release of waiters) release();
  }
  socket.once('close', releaseWaiters);

  return {
    close,
    isBehind,
    send(data) {
      if (socket.readyState !== WebSocket.OPEN) return;
      if (socket.bufferedAmount > closeAboveBytes) {
        close(tooSlow.code, tooSlow.reason);
        return;
      }
      socket.send(data, () => {
        if (isBehind()) return;
        releaseWaiters();
        onDrained();
      });
      // Each small answer costs far more memory than its bytes, so no more calls are read until the client reads.
      if (isBehind()) socket.pause();
    },
    async whenWritable(signal) {
      if (!isBehind() || socket.readyState !== WebSocket.OPEN || signal.aborted) return;
      await new Promise<void>((resolve) => {
        const stalled = setTimeout(() => close(tooSlow.code, tooSlow.reason), maxStallMs);
        const release = () => {
          clearTimeout(stalled);
          waiters.delete(release);
          signal.removeEventListener('abort', release);
          resolve();
        };
        waiters.add(release);
        signal.addEventListener('abort', release, { once: true });
      });
    },
  };
}
