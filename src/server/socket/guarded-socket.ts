/**
 * Stands between one WebSocket and tRPC's handler, which knows no limits of its own: it passes messages on one at a time
 * and only when the call before is set up (an unsubscribe that overtakes its subscribe would be lost), counts
 * subscriptions, and closes a client that does not read what it is sent.
 */

import { EventEmitter } from 'node:events';

import type { TRPCResponseMessage } from '@trpc/server/rpc';
import { WebSocket, type RawData } from 'ws';
import { z } from 'zod';

import { AppError } from '../../shared/contract/errors.ts';
import { parseJson } from '../../shared/parse-json.ts';
import { shapeOf } from '../error-shape.ts';
import { closeAboveBytes, maxCallsPerFrame, maxSubscriptionsPerSocket, pauseAboveBytes } from '../limits.ts';

/** Messages that may wait before the socket is read no further. */
const maxQueuedFrames = 20;

const callSchema = z.object({ id: z.union([z.string(), z.number()]), method: z.string() });

export interface GuardedSocket {
  /** What tRPC takes for the socket. */
  facade: WebSocket;
  encoder: { encode(data: unknown): string; decode(data: string | ArrayBuffer | Uint8Array): unknown };
  /** Resolves when the client has taken most of what it was sent, or when the signal aborts. */
  whenWritable: (signal: AbortSignal) => Promise<void>;
  subscriptionCount: () => number;
}

/**
 * @param options.opened resolves when the caller is known; nothing but the first message passes before
 * @param options.admitCall says why a call is one too many, if it is
 * @param options.maxStallMs how long a client that does not read may keep its subscriptions waiting
 */
export function guardSocket(
  socket: WebSocket,
  options: {
    expectsParams: boolean;
    opened: Promise<unknown>;
    admitCall: () => Promise<AppError | null>;
    maxStallMs: number;
  },
): GuardedSocket {
  const { expectsParams, opened, admitCall, maxStallMs } = options;
  const facade = new EventEmitter();
  const subscriptions = new Set<string | number>();
  const settling = new Map<string | number, () => void>();
  const frames: string[] = [];
  const drainWaiters = new Set<() => void>();
  let pumping = false;
  let sawParams = !expectsParams;

  function close(code: number, reason: string): void {
    socket.close(code, reason);
    // Who reads nothing does not read the close frame either.
    setTimeout(() => socket.terminate(), 2_000).unref();
  }

  function send(data: string): void {
    if (socket.readyState !== WebSocket.OPEN) return;
    if (socket.bufferedAmount > closeAboveBytes) {
      close(1013, 'You read too slowly. Connect again.');
      return;
    }
    socket.send(data, () => {
      if (socket.bufferedAmount > pauseAboveBytes) return;
      for (const waiter of drainWaiters) waiter();
      readOn();
    });
    // Who does not read the answers is not asked for more: each small one costs far more memory than it has bytes.
    if (socket.bufferedAmount > pauseAboveBytes) socket.pause();
  }

  /** Reads the socket again when both directions have room. */
  function readOn(): void {
    const isBehind = frames.length >= maxQueuedFrames || socket.bufferedAmount > pauseAboveBytes;
    if (socket.isPaused && !isBehind) socket.resume();
  }

  function refuse(id: string | number | null, error: AppError): void {
    send(JSON.stringify({ id, error: shapeOf(error) }));
  }

  /** Hands one call to tRPC; `false` when it is refused at once. */
  function hand(raw: unknown, id: string | number | null): boolean {
    let text: string;
    try {
      text = JSON.stringify(raw);
    } catch {
      // Reading JSON knows no depth, writing it does.
      refuse(id, new AppError('VALIDATION_FAILED', 'The message is nested too deeply to be read.'));
      return false;
    }
    facade.emit('message', Buffer.from(text), false);
    return true;
  }

  function settle(id: string | number): void {
    settling.get(id)?.();
    settling.delete(id);
  }

  /** Passes one call to tRPC and waits until it has started or failed. */
  async function passCall(raw: unknown): Promise<void> {
    const call = callSchema.safeParse(raw);
    // Stopping costs nothing and gives something back.
    const excess = call.data?.method === 'subscription.stop' ? null : await admitCall();
    if (excess) {
      refuse(call.data?.id ?? null, excess);
      return;
    }
    if (!call.success || call.data.method !== 'subscription') {
      hand(raw, call.data?.id ?? null);
      return;
    }
    const { id } = call.data;
    if (subscriptions.has(id)) {
      refuse(id, new AppError('VALIDATION_FAILED', 'This id has a subscription already. Use another id.'));
      return;
    }
    if (subscriptions.size >= maxSubscriptionsPerSocket) {
      const message = `A socket carries at most ${maxSubscriptionsPerSocket} subscriptions. Stop one of them first.`;
      refuse(id, new AppError('RATE_LIMITED', message));
      return;
    }
    const settled = new Promise<void>((resolve) => settling.set(id, resolve));
    if (!hand(raw, id)) settle(id);
    await settled;
  }

  async function passFrame(text: string): Promise<void> {
    if (!sawParams) {
      sawParams = true;
      facade.emit('message', Buffer.from(text), false);
      return;
    }
    await opened;
    const parsed = parseJson(text);
    if (parsed === undefined) {
      facade.emit('message', Buffer.from(text), false); // tRPC answers that it could not be read
      return;
    }
    const calls = Array.isArray(parsed) ? (parsed as unknown[]) : [parsed];
    if (calls.length > maxCallsPerFrame) {
      close(1008, `Send at most ${maxCallsPerFrame} calls in one message.`);
      return;
    }
    for (const call of calls) {
      if (socket.readyState !== WebSocket.OPEN) return;
      await passCall(call);
    }
  }

  async function pump(): Promise<void> {
    if (pumping) return;
    pumping = true;
    for (let frame = frames.shift(); frame !== undefined; frame = frames.shift()) {
      await passFrame(frame);
      readOn();
    }
    pumping = false;
  }

  socket.on('message', (data: RawData, isBinary: boolean) => {
    if (isBinary) {
      close(1003, 'Send text, not binary messages.');
      return;
    }
    // Node's default binaryType hands a text message over as one Buffer.
    const text = (data as Buffer).toString('utf8');
    if (text === 'PONG') return;
    if (text === 'PING') {
      send('PONG');
      return;
    }
    frames.push(text);
    if (frames.length >= maxQueuedFrames) socket.pause();
    pump().catch((error: unknown) => {
      facade.emit('error', error);
      close(1011, 'Something went wrong on our side. Connect again.'); // nothing would be read any more
    });
  });
  // Bytes that are no WebSocket are the client's fault, which it is told by the close code: nothing for the log.
  socket.on('error', (error: Error & { code?: string }) => {
    if (!error.code?.startsWith('WS_ERR_')) facade.emit('error', error);
  });
  socket.once('close', () => {
    frames.length = 0;
    for (const id of settling.keys()) settle(id);
    for (const waiter of drainWaiters) waiter();
    facade.emit('close');
  });

  Object.defineProperty(facade, 'readyState', { get: () => socket.readyState });
  return {
    // tRPC's handler uses exactly on, once, send, close and readyState of it.
    facade: Object.assign(facade, { send, close: () => socket.close() }) as unknown as WebSocket,
    encoder: {
      encode(data) {
        note(data as TRPCResponseMessage);
        return JSON.stringify(data);
      },
      decode: (data) => JSON.parse(data as string) as unknown, // text alone gets as far as here
    },
    async whenWritable(signal) {
      if (socket.bufferedAmount <= pauseAboveBytes || socket.readyState !== WebSocket.OPEN || signal.aborted) return;
      await new Promise<void>((resolve) => {
        const stalled = setTimeout(() => close(1013, 'You read too slowly. Connect again.'), maxStallMs);
        const done = () => {
          clearTimeout(stalled);
          drainWaiters.delete(done);
          signal.removeEventListener('abort', done);
          resolve();
        };
        drainWaiters.add(done);
        signal.addEventListener('abort', done, { once: true });
      });
    },
    subscriptionCount: () => subscriptions.size,
  };

  /** Reads from what tRPC answers which subscriptions are open. */
  function note(message: TRPCResponseMessage): void {
    const { id } = message;
    if (id === null || id === undefined) {
      // A call that tRPC could not read has no id in the answer; only one call is on its way at a time.
      for (const pending of settling.keys()) settle(pending);
      return;
    }
    if ('result' in message && message.result.type === 'started') subscriptions.add(id);
    if ('error' in message || ('result' in message && message.result.type === 'stopped')) subscriptions.delete(id);
    settle(id);
  }
}
