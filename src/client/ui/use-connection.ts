import { useSyncExternalStore } from 'react';

import { connectionView, type ConnectionView } from '../api/connection.ts';
import { useApp } from '../app-context.ts';
import { formatTime } from './format.ts';

/** How fresh the page is, kept up to date. */
export function useConnection(): ConnectionView {
  const { connection } = useApp();
  return connectionView(useSyncExternalStore(connection.subscribe, connection.get), { formatTime });
}

/**
 * Whether states on the screen may be old. Not in the first moment, when pages were just read and the socket is on its
 * way. Renders anew only when it changes.
 */
export function useIsStale(): boolean {
  const { connection } = useApp();
  return useSyncExternalStore(connection.subscribe, () => {
    const { link, freshness } = connection.get();
    return link === 'lost' || (freshness !== null && freshness.state !== 'live');
  });
}
