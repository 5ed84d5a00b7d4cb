/**
 * Stands between one WebSocket and tRPC's handler, which has no limits. It passes on one call at a time, and the next one
 * only when tRPC has set up the previous one: an unsubscribe that overtakes its subscribe would be lost. It limits the
 * number of subscriptions and calls, and closes a client that does not read, or that sends too much.
 */

import { EventEmitter } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';

import type { TRPCResponseMessage } from '@trpc/server/rpc';
import { WebSocket, type RawData } from 'ws';
import { z } from 'zod';

import { AppError } from '../../shared/contract/errors.ts';
import { parseJson } from '../../shared/parse-json.ts';
import { shapeOf } from '../error-shape.ts';
import { maxCallsPerFrame, maxSubscriptionsPerSocket, messagesPerPing } from '../limits.ts';
import { createOpenSubscriptions, type CallId, type OpenSubscriptions } from './open-subscriptions.ts';
import { createSendQueue, type SendQueue } from './send-queue.ts';

/** When this many messages wait, the socket is not read any further. */
const maxQueuedFrames = 20;

/** As many calls of one message are passed on before others get their turn. */
const callsPerTurn = 5;

const callSchema = z.object({ id: z.union([z.string(), z.number()]), method: z.string() });

export interface GuardedSocket {
  /** tRPC uses this in place of the socket. */
  facade: WebSocket;
  encoder: { encode(data: unknown): string; decode(data: string | ArrayBuffer | Uint8Array): unknown };
  /** Resolves when the client has read most of what it was sent, or when the signal aborts. */
  whenWritable: (signal: AbortSignal) => Promise<void>;
}

interface GuardOptions {
  /** The first message names the caller. */
  expectsParams: boolean;
  /** Resolves when the caller is known; only the first message is passed on before. */
  opened: Promise<unknown>;
  /** Resolves to the reason why one more call is refused, or to `null`. */
  admitCall: () => Promise<AppError | null>;
  /** Takes this many messages into account. Returns the reason why they are too many, or `null`. */
  admitMessages: (count: number) => AppError | null;
  /** How long a client that does not read may keep its subscriptions waiting. */
  maxStallMs: number;
}

export function guardSocket(socket: WebSocket, options: GuardOptions): GuardedSocket {
  const facade = new EventEmitter();
  const subscriptions = createOpenSubscriptions();
  const frames: string[] = [];
  let isPassingFrames = false;

  function readAgain(): void {
    if (socket.readyState !== WebSocket.OPEN) return; // what a closing client still sends is not read
    if (socket.isPaused && frames.length < maxQueuedFrames && !queue.isBehind()) socket.resume();
  }
  const queue = createSendQueue(socket, { maxStallMs: options.maxStallMs, onDrained: readAgain });
  const passFrame = createFramePasser({ socket, facade, queue, subscriptions, countMessages, ...options });

  /** Counts every message, even those that need no answer: reading them takes time. `false` ends the socket. */
  function countMessages(count: number): boolean {
    if (socket.readyState !== WebSocket.OPEN) return false;
    const excess = options.admitMessages(count);
    if (excess === null) return true;
    frames.length = 0;
    queue.close(1008, excess.message);
    socket.pause(); // nothing that still arrives is read
    return false;
  }

  async function passFrames(): Promise<void> {
    if (isPassingFrames) return;
    isPassingFrames = true;
    for (let frame = frames.shift(); frame !== undefined; frame = frames.shift()) {
      await passFrame(frame);
      await nextTurn(); // others get their turn before the next message
      readAgain();
    }
    isPassingFrames = false;
  }

  for (const control of ['ping', 'pong']) socket.on(control, () => countMessages(1));
  socket.on('message', (data: RawData, isBinary: boolean) => {
    // Node's default binaryType delivers a text message as one Buffer.
    const text = (data as Buffer).toString('utf8');
    if (!countMessages(text === 'PING' ? messagesPerPing : 1)) return;
    if (isBinary) return queue.close(1003, 'Send text, not binary messages.');
    if (text === 'PONG') return;
    if (text === 'PING') return queue.send('PONG');
    frames.push(text);
    if (frames.length >= maxQueuedFrames) socket.pause();
    passFrames().catch((error: unknown) => {
      facade.emit('error', error);
      queue.close(1011, 'Something went wrong on our side. Connect again.'); // no frame would be read any more
    });
  });
  socket.on('error', (error: Error & { code?: string }) => {
    // Bytes that are not a WebSocket frame are the client's fault: the close code says so, and nothing is logged.
    if (!error.code?.startsWith('WS_ERR_')) facade.emit('error', error);
  });
  socket.once('close', () => {
    frames.length = 0;
    subscriptions.settleAll();
    facade.emit('close');
  });

  Object.defineProperty(facade, 'readyState', { get: () => socket.readyState });
  return {
    // tRPC's handler uses only on, once, send, close and readyState.
    facade: Object.assign(facade, { send: queue.send, close: () => socket.close() }) as unknown as WebSocket,
    encoder: {
      encode(data) {
        subscriptions.recordAnswer(data as TRPCResponseMessage); // tRPC encodes only its own messages
        return JSON.stringify(data);
      },
      decode: (data) => JSON.parse(data as string) as unknown, // binary messages were refused above
    },
    whenWritable: queue.whenWritable,
  };
}

interface FramePasserDeps extends GuardOptions {
  socket: WebSocket;
  facade: EventEmitter;
  queue: SendQueue;
  subscriptions: OpenSubscriptions;
  countMessages: (count: number) => boolean;
}

/** Creates the function that passes the calls of one message to tRPC, one after the other. */
function createFramePasser(deps: FramePasserDeps): (text: string) => Promise<void> {
  const { socket, facade, queue, subscriptions, opened, admitCall } = deps;
  let hasParams = !deps.expectsParams;
  const emit = (text: string) => facade.emit('message', Buffer.from(text), false);

  function refuse(id: CallId | null, error: AppError): void {
    queue.send(JSON.stringify({ id, error: shapeOf(error) }));
  }

  /** Emits one call to tRPC; `false` if it is refused at once. */
  function emitCall(raw: unknown, id: CallId | null): boolean {
    const text = writeJson(raw);
    if (text === null) refuse(id, new AppError('VALIDATION_FAILED', 'The message is nested too deeply to be read.'));
    else emit(text);
    return text !== null;
  }

  async function passCall(raw: unknown): Promise<void> {
    const call = callSchema.safeParse(raw);
    const id = call.data?.id ?? null;
    // Stopping a subscription is always allowed, because it frees resources.
    const excess = call.data?.method === 'subscription.stop' ? null : await admitCall();
    if (excess) return refuse(id, excess);
    if (id === null || call.data?.method !== 'subscription') {
      emitCall(raw, id);
      return;
    }
    const refusal = subscriptionRefusal(id, subscriptions);
    if (refusal) return refuse(id, refusal);
    const settled = subscriptions.whenSettled(id);
    if (!emitCall(raw, id)) subscriptions.settle(id);
    await settled;
  }

  return async (text) => {
    if (!hasParams) {
      hasParams = true;
      emit(text);
      return;
    }
    await opened;
    const parsed = parseJson(text);
    if (parsed === undefined) {
      emit(text); // tRPC answers that the message could not be read
      return;
    }
    const calls = Array.isArray(parsed) ? (parsed as unknown[]) : [parsed];
    if (calls.length > maxCallsPerFrame) {
      return queue.close(1008, `Send at most ${maxCallsPerFrame} calls in one message.`);
    }
    if (calls.length > 1 && !deps.countMessages(calls.length - 1)) return;
    for (const [index, call] of calls.entries()) {
      if (index % callsPerTurn === callsPerTurn - 1) await nextTurn(); // others get their turn between the calls, too
      if (socket.readyState !== WebSocket.OPEN) return;
      await passCall(call);
    }
  };
}

function subscriptionRefusal(id: CallId, subscriptions: Pick<OpenSubscriptions, 'has' | 'count'>): AppError | null {
  if (subscriptions.has(id)) {
    return new AppError('VALIDATION_FAILED', 'This id already has a subscription. Use another id.');
  }
  if (subscriptions.count() < maxSubscriptionsPerSocket) return null;
  const message = `A socket carries at most ${maxSubscriptionsPerSocket} subscriptions. Stop one of them first.`;
  return new AppError('RATE_LIMITED', message);
}

/** `null` if the value is nested too deeply: reading JSON has no limit of depth, writing it has. */
function writeJson(value: unknown): string | null {
  try {
    return JSON.stringify(value);
  } catch {
    return null;
  }
}
