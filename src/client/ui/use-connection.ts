/** The state of the connection as React state. */

import { useSyncExternalStore } from 'react';

import { connectionView, type ConnectionView } from '../api/connection.ts';
import { useApp } from '../app-context.ts';
import { formatTime } from './format.ts';

/** Whether the page is live, and the texts that say so. */
export function useConnection(): ConnectionView {
  const { connection } = useApp();
  return connectionView(useSyncExternalStore(connection.subscribe, connection.get), { formatTime });
}

/**
 * Whether the statuses on the page may be out of date. While the first socket is opening they are current: the page has
 * just been loaded. The component renders again only when the result changes.
 */
export function useIsStale(): boolean {
  const { connection } = useApp();
  return useSyncExternalStore(connection.subscribe, () => {
    const { link, freshness } = connection.get();
    return link === 'lost' || (freshness !== null && freshness.state !== 'live');
  });
}
