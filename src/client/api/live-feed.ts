/**
 * The one subscription of a browser tab, held while somebody is signed in. Writes projects into the query cache and
 * freshness into the connection's state. The socket reconnects by itself; a subscription that the server ended is begun
 * anew after a back-off. Never asks for anything on a timer.
 */

import type { Unsubscribable } from '@trpc/server/observable';

import type { ProjectEvent } from '../../shared/contract/events.ts';
import type { BackOff } from './back-off.ts';
import type { ConnectionStore } from './connection.ts';
import type { ProjectCache } from './project-cache.ts';
import { readError } from './read-error.ts';

export interface FeedHandlers {
  onEvent: (event: ProjectEvent) => void;
  /** The socket is being opened, for the first time or again. */
  onConnecting: () => void;
  onError: (error: unknown) => void;
  onComplete: () => void;
}

export interface LiveFeed {
  start(): void;
  stop(): void;
  /** Begins anew on a new socket, if it is running: the network has changed, and the old socket may be dead. */
  restart(): void;
}

export interface LiveFeedDeps {
  /** Opens `projects.onChange` for everything that the person owns. */
  subscribe: (handlers: FeedHandlers) => Unsubscribable;
  /** Closes the socket below; resolves when a new one may be opened. */
  disconnect: () => Promise<void>;
  cache: ProjectCache;
  connection: ConnectionStore;
  backOff: BackOff;
  now: () => number;
  /** Calls back after the delay; returns the function that cancels it. */
  later: (delayMs: number, callback: () => void) => () => void;
  onSessionEnded: () => void;
}

interface FeedSession {
  subscription: Unsubscribable | null;
  cancelRestart: () => void;
}

const newSession = (): FeedSession => ({ subscription: null, cancelRestart: () => undefined });

/** Builds the feed, stopped. Starting or stopping twice is harmless. */
export function createLiveFeed(deps: LiveFeedDeps): LiveFeed {
  const { cache, connection, backOff } = deps;
  let running: FeedSession | null = null;

  function take(event: ProjectEvent): void {
    backOff.reset();
    const heard = { link: 'open', heardAtMs: deps.now() } as const;
    switch (event.type) {
      case 'snapshot':
        cache.write(event);
        connection.set({ ...heard, freshness: event.freshness });
        break;
      case 'changed':
      case 'removed':
        cache.write(event);
        connection.set(heard);
        break;
      case 'freshness':
        connection.set({ ...heard, freshness: event.freshness });
        break;
      case 'reset':
        connection.set({ link: 'lost' });
        break;
    }
  }

  function open(): void {
    const session = running;
    if (session === null) return;
    const again = (): void => {
      if (running !== session) return;
      connection.set({ link: 'lost' });
      session.cancelRestart = deps.later(backOff.nextDelayMs(), open);
    };
    session.subscription = deps.subscribe({
      onEvent: (event) => {
        if (running === session) take(event);
      },
      onConnecting: () => {
        // An open socket alone says nothing: the first event ends this, for each subscription begins with one.
        if (running === session && connection.get().heardAtMs !== null) connection.set({ link: 'lost' });
      },
      onError: (error) => {
        if (running !== session) return;
        if (readError(error).code === 'UNAUTHENTICATED') deps.onSessionEnded();
        else again();
      },
      onComplete: again,
    });
  }

  function stop(): void {
    const session = running;
    running = null;
    session?.cancelRestart();
    session?.subscription?.unsubscribe();
  }

  return {
    start() {
      if (running !== null) return;
      running = newSession();
      connection.set({ link: 'connecting', freshness: null, heardAtMs: null });
      open();
    },
    stop,
    restart() {
      if (running === null) return;
      stop();
      const session = newSession();
      running = session;
      connection.set({ link: 'lost' });
      const proceed = (): void => {
        if (running === session) open();
      };
      deps.disconnect().then(proceed, proceed);
    },
  };
}
