/**
 * One subscription to `projects.onChange`, by WebSocket, or by polling while no WebSocket passes: when two attempts in a row
 * brought nothing. The WebSocket is tried all the time. With its first event the polling ends.
 */

import type { TRPCClient } from '@trpc/client';

import type { AppRouter } from '../../server/router.ts';
import type { ProjectPoll } from '../contract/events.ts';
import type { SubscriptionHandlers } from './live-feed.ts';
import type { LiveSocket } from './live-socket.ts';
import { isTransient } from './read-app-error.ts';

/** A WebSocket that brings nothing for this long counts as one that could not be opened. */
const silenceMs = 4_000;
const attemptsBeforePolling = 2;
/** Between two polls, so that a project that changes all the time does not cost a request per change. */
const pollPauseMs = 250;
/** The server answers a poll within eight seconds. */
const pollTimeoutMs = 20_000;

interface SocketHandlers extends Omit<SubscriptionHandlers, 'onConnecting'> {
  /** @param hasFailed whether an attempt to connect, or a connection, has just ended */
  onConnecting: (hasFailed: boolean) => void;
}

export interface LiveSubscriptionDeps {
  /** Opens `projects.onChange` by WebSocket. */
  openSocket: (handlers: SocketHandlers) => { unsubscribe(): void };
  /** Calls `projects.poll`. */
  poll: (lastEventId: string | null, signal: AbortSignal) => Promise<ProjectPoll>;
  /** How long to wait after this many failed polls (from 1), in milliseconds. */
  delayMs: (failedAttempts: number) => number;
  /** Events arrive by polling, or no longer do. */
  onPolling?: (isPolling: boolean) => void;
}

export function subscribeLive(deps: LiveSubscriptionDeps, handlers: SubscriptionHandlers): { unsubscribe(): void } {
  let failedAttempts = 0;
  let silence: ReturnType<typeof setTimeout> | undefined;
  let polling: AbortController | null = null;

  function stopPolling(): void {
    if (polling === null) return;
    polling.abort();
    polling = null;
    deps.onPolling?.(false);
  }

  function countFailure(): void {
    failedAttempts += 1;
    if (polling !== null || failedAttempts < attemptsBeforePolling) return;
    polling = new AbortController();
    const { signal } = polling;
    void pollUntil(signal, { ...deps, ...handlers, onError: endWith });
  }

  function awaitEvent(): void {
    clearTimeout(silence);
    silence = setTimeout(() => {
      countFailure();
      if (polling === null) awaitEvent();
    }, silenceMs);
  }

  function end(): void {
    clearTimeout(silence);
    stopPolling();
  }
  function endWith(error: unknown): void {
    end();
    socket.unsubscribe();
    handlers.onError(error);
  }

  awaitEvent();
  const socket = deps.openSocket({
    onEvent(event) {
      failedAttempts = 0;
      end();
      handlers.onEvent(event);
    },
    onConnecting(hasFailed) {
      if (hasFailed) countFailure();
      if (polling !== null) return;
      awaitEvent();
      handlers.onConnecting();
    },
    onError(error) {
      end();
      handlers.onError(error);
    },
    onComplete() {
      end();
      handlers.onComplete();
    },
  });
  return {
    unsubscribe() {
      end();
      socket.unsubscribe();
    },
  };
}

/** Polls until the signal aborts, or until a poll fails for good. Begins with a snapshot. */
async function pollUntil(signal: AbortSignal, deps: LiveSubscriptionDeps & SubscriptionHandlers): Promise<void> {
  let lastEventId: string | null = null;
  let failedPolls = 0;
  /** Snapshots in a row: the server cannot resume, because it has lost the stream. Each snapshot costs it more than an event. */
  let snapshots = 0;
  deps.onConnecting();
  while (!signal.aborted) {
    try {
      const { events } = await deps.poll(lastEventId, AbortSignal.any([signal, AbortSignal.timeout(pollTimeoutMs)]));
      failedPolls = 0;
      for (const { id, event } of events) {
        if (signal.aborted) return;
        if (lastEventId === null) deps.onPolling?.(true);
        lastEventId = id;
        deps.onEvent(event);
      }
      snapshots = events[0]?.event.type === 'snapshot' ? snapshots + 1 : 0;
      await pause(Math.max(pollPauseMs, snapshots > 1 ? deps.delayMs(snapshots) : 0), signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!isTransient(error)) return deps.onError(error);
      failedPolls += 1;
      lastEventId = null;
      deps.onPolling?.(false);
      deps.onConnecting();
      await pause(deps.delayMs(failedPolls), signal);
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}

/** {@link LiveSubscriptionDeps.openSocket} and `poll`, over the API of a client. */
export function liveCalls(
  { projects }: { projects: Pick<TRPCClient<AppRouter>['projects'], 'onChange' | 'poll'> },
  socket: LiveSocket,
  input: { projectId?: string },
): Pick<LiveSubscriptionDeps, 'openSocket' | 'poll'> {
  return {
    openSocket: ({ onEvent, onConnecting, onError, onComplete }) =>
      projects.onChange.subscribe(input, {
        onData: ({ data }) => {
          socket.resetBackOff();
          onEvent(data);
        },
        onConnectionStateChange: ({ state, error }) => {
          if (state === 'connecting') onConnecting(error !== null);
        },
        onError,
        onComplete,
      }),
    poll: (lastEventId, signal) => projects.poll.query({ ...input, lastEventId }, { signal }),
  };
}
