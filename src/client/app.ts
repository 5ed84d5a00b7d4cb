/**
 * The client's composition root: builds the query cache, the API links, the live subscription and the session of one
 * browser window. Components reach the result through `AppContext`.
 */

import { backOffMs } from '../shared/back-off.ts';
import { systemClock, type Clock } from '../shared/clock.ts';
import type { LiveFeed } from '../shared/sdk/live-feed.ts';
import { liveCalls, subscribeLive } from '../shared/sdk/live-subscription.ts';
import { createBrowserFeed } from './api/browser-feed.ts';
import { createConnectionStore, type ConnectionStore } from './api/connection.ts';
import { createBrowserSocket, createLinks } from './api/links.ts';
import { createProjectCache, type ProjectCache } from './api/project-cache.ts';
import { createQueryClient } from './api/query-client.ts';
import { trpc } from './api/trpc.ts';
import { createSession, type Session } from './auth/session.ts';

/** What components use besides the query cache. */
export interface AppServices {
  clock: Clock;
  connection: ConnectionStore;
  liveFeed: LiveFeed;
  projectCache: ProjectCache;
  session: Session;
}

/** Builds the application. It opens no connection before a user is signed in. */
export function createApp({ window }: { window: Window & typeof globalThis }) {
  const clock = systemClock;
  const queryClient = createQueryClient({
    onUnauthenticated: () => {
      // A visitor who was never signed in has no session that could end. `AppLayout` redirects to the sign-in page.
      if (queryClient.getQueryData([['auth', 'me'], { type: 'query' }]) !== undefined) endSession();
    },
  });
  const session = createSession({
    load: (path) => window.location.assign(path),
    currentPath: () => `${window.location.pathname}${window.location.search}`,
    fetch: (...request) => window.fetch(...request),
  });
  const connection = createConnectionStore();
  const projectCache = createProjectCache({ queryClient });
  const reconnect = { firstMs: 400, longestMs: 15_000, random: Math.random };
  const socket = createBrowserSocket({
    origin: window.location.origin,
    reconnect,
    onSessionEnded: endSession,
    onClose: () => {
      if (!connection.get().isPolling) connection.set({ link: 'lost' });
    },
  });
  const delayMs = (failedAttempts: number) => backOffMs(failedAttempts, reconnect);
  const onPolling = (isPolling: boolean) => connection.set({ isPolling });
  const client = trpc.createClient({ links: createLinks({ socket }) });
  const liveFeed = createBrowserFeed({
    subscribe: (handlers) => subscribeLive({ ...liveCalls(client, socket, {}), delayMs, onPolling }, handlers),
    delayMs,
    disconnect: () => socket.client.close(),
    cache: projectCache,
    connection,
    clock,
    onSessionEnded: endSession,
  });
  // The browser notices a lost network long before the socket times out.
  window.addEventListener('offline', () => connection.set({ link: 'lost', isOffline: true }));
  window.addEventListener('online', () => {
    connection.set({ isOffline: false });
    liveFeed.restart();
  });

  function endSession(): void {
    liveFeed.stop();
    session.ended();
  }

  const services: AppServices = { clock, connection, liveFeed, projectCache, session };
  return { queryClient, client, services };
}
