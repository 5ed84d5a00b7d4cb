/**
 * The one subscription of a browser tab, open while somebody is signed in. It hands projects to the project cache, and
 * freshness and the state of the link to the connection store.
 */

import type { Clock } from '../../shared/clock.ts';
import { createLiveFeed, type LiveFeed, type LiveFeedDeps } from '../../shared/sdk/live-feed.ts';
import type { ConnectionStore } from './connection.ts';
import type { ProjectCache } from './project-cache.ts';
import { readError } from './read-error.ts';

interface BrowserFeedDeps extends Pick<LiveFeedDeps, 'subscribe' | 'delayMs' | 'schedule'> {
  /** Closes the socket; resolves when a new one may be opened. */
  disconnect: () => Promise<void>;
  cache: ProjectCache;
  connection: ConnectionStore;
  clock: Clock;
  onSessionEnded: () => void;
}

/** Creates the feed, stopped. */
export function createBrowserFeed(deps: BrowserFeedDeps): LiveFeed {
  const { cache, connection, clock, disconnect, onSessionEnded, ...feedDeps } = deps;
  return createLiveFeed({
    ...feedDeps,
    beforeRestart: disconnect,
    isPermanent: (error) => readError(error).code === 'UNAUTHENTICATED',
    onFailed: onSessionEnded,
    onLinkChange(link) {
      connection.set(link === 'connecting' ? { link, freshness: null, lastEventAtMs: null } : { link });
    },
    onUpdate({ event, newer }) {
      if (event.type === 'reset') return;
      if (event.type === 'snapshot') cache.write(event);
      else if (event.type !== 'freshness' && newer.length > 0) cache.write(event);
      connection.set({
        lastEventAtMs: clock.now(),
        ...('freshness' in event ? { freshness: event.freshness } : {}),
      });
    },
  });
}
