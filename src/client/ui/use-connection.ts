import { useSyncExternalStore } from 'react';

import { connectionView, type ConnectionView } from '../api/connection.ts';
import { useApp } from '../app-context.ts';
import { formatTime } from './format.ts';

/** How fresh the page is, kept up to date. */
export function useConnection(): ConnectionView {
  const { connection } = useApp();
  return connectionView(useSyncExternalStore(connection.subscribe, connection.get), { formatTime });
}

/** Whether states on the screen are the present ones. Renders anew only when that changes. */
export function useIsLive(): boolean {
  const { connection } = useApp();
  return useSyncExternalStore(connection.subscribe, () => {
    const { link, freshness } = connection.get();
    return link === 'open' && freshness?.state === 'live';
  });
}
