/** How fresh the page is: the state of the link to the server and of the cluster, and the message that describes both. */

import type { Freshness } from '../../shared/contract/events.ts';
import type { Link } from '../../shared/sdk/live-feed.ts';

export interface Connection {
  link: Link;
  /** Events arrive by polling, because no WebSocket passes. */
  isPolling: boolean;
  /** The browser reports that it has no network. */
  isOffline: boolean;
  /** The server's last report about the cluster; `null` before the first. */
  freshness: Freshness | null;
  /** When the last event arrived, in milliseconds since the epoch; `null` before the first. */
  lastEventAtMs: number | null;
}

export interface ConnectionView {
  kind: 'connecting' | 'live' | 'polling' | 'offline' | 'reconnecting' | 'delayed' | 'unreachable';
  label: string;
  title: string;
  message: string;
}

/** Describes how far the screen can be trusted. Only `live` may be shown as the current state. */
export function connectionView(
  connection: Connection,
  { formatTime }: { formatTime: (atMs: number) => string },
): ConnectionView {
  const { link, isPolling, isOffline, freshness, lastEventAtMs } = connection;
  const known = lastEventAtMs === null ? '' : ` The status shown is from ${formatTime(lastEventAtMs)}.`;
  if (link === 'lost' && isOffline) {
    return {
      kind: 'offline',
      label: 'Offline',
      title: 'You are offline.',
      message: `The page reconnects when the network is back.${known}`,
    };
  }
  if (link === 'lost') {
    return {
      kind: 'reconnecting',
      label: 'Reconnecting…',
      title: 'Reconnecting.',
      message: `The connection to the server was lost. The page reconnects automatically.${known}`,
    };
  }
  if (link === 'connecting' || freshness === null) {
    return {
      kind: 'connecting',
      label: 'Connecting…',
      title: 'Connecting.',
      message: 'The connection to the server is being opened.',
    };
  }
  const asOf = freshness.asOf === null ? null : formatTime(Date.parse(freshness.asOf));
  switch (freshness.state) {
    case 'live':
      if (isPolling) return polling;
      return { kind: 'live', label: 'Live', title: 'Live.', message: 'Every change is shown as it happens.' };
    case 'delayed':
      return {
        kind: 'delayed',
        label: asOf === null ? 'Status delayed' : `As of ${asOf}`,
        title: 'Status delayed.',
        message:
          asOf === null
            ? 'The cluster has not been observed yet. The status of projects may be out of date.'
            : `Live updates are interrupted. The status shown is from ${asOf}. Newer changes appear automatically.`,
      };
    case 'unreachable':
      return {
        kind: 'unreachable',
        label: 'Cluster unreachable',
        title: 'The cluster is unavailable.',
        message: `${asOf === null ? 'The cluster does not answer.' : `The cluster has not answered since ${asOf}.`} Your commands are saved and run when it answers again.`,
      };
  }
}

const polling: ConnectionView = {
  kind: 'polling',
  label: 'Polling',
  title: 'Live updates arrive by polling.',
  message:
    'Something between this browser and the server does not pass WebSockets. Changes appear with a short delay. An administrator has to let WebSockets pass.',
};

export interface ConnectionStore {
  get: () => Connection;
  set: (change: Partial<Connection>) => void;
  /** Calls `listener` after each change; returns the function that unsubscribes it. */
  subscribe: (listener: () => void) => () => void;
}

/** Holds the connection's state for React's `useSyncExternalStore`. */
export function createConnectionStore(): ConnectionStore {
  let connection: Connection = {
    link: 'connecting',
    isPolling: false,
    isOffline: false,
    freshness: null,
    lastEventAtMs: null,
  };
  const listeners = new Set<() => void>();
  return {
    get: () => connection,
    set(change) {
      connection = { ...connection, ...change };
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
