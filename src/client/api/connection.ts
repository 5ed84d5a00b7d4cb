/** How fresh the page is: the state of the socket and of the cluster behind it, and how both read in words. */

import type { Freshness } from '../../shared/contract/events.ts';

export interface Connection {
  /** `connecting`: the first time. `open`: events arrive. `lost`: they do not, and it is being tried again. */
  link: 'connecting' | 'open' | 'lost';
  /** The browser itself says that there is no network. */
  isOffline: boolean;
  /** What the server said last about the cluster; `null` before it said anything. */
  freshness: Freshness | null;
  /** When the last event arrived, in milliseconds since 1970; `null` before the first. */
  heardAtMs: number | null;
}

export interface ConnectionView {
  kind: 'connecting' | 'live' | 'offline' | 'reconnecting' | 'delayed' | 'unreachable';
  label: string;
  /** What is the matter, in two or three words. */
  title: string;
  message: string;
}

/** Says in words how far what is on the screen can be trusted. Only `live` may be shown as the present state. */
export function connectionView(
  connection: Connection,
  { formatTime }: { formatTime: (atMs: number) => string },
): ConnectionView {
  const { link, isOffline, freshness, heardAtMs } = connection;
  const known = heardAtMs === null ? '' : ` What you see is from ${formatTime(heardAtMs)}.`;
  if (link === 'lost' && isOffline) {
    return {
      kind: 'offline',
      label: 'Offline',
      title: 'You are offline.',
      message: `Everything goes on by itself when the network is back.${known}`,
    };
  }
  if (link === 'lost') {
    return {
      kind: 'reconnecting',
      label: 'Reconnecting…',
      title: 'Reconnecting.',
      message: `The connection to the server was lost and is being restored by itself.${known}`,
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
      return { kind: 'live', label: 'Live', title: 'Live.', message: 'Every change is shown as it happens.' };
    case 'delayed':
      return {
        kind: 'delayed',
        label: asOf === null ? 'Status delayed' : `As of ${asOf}`,
        title: 'Status delayed.',
        message:
          asOf === null
            ? 'Nothing has been seen of the cluster yet. The status of projects may be out of date.'
            : `Live updates are interrupted. What you see is as of ${asOf}; newer changes follow by themselves.`,
      };
    case 'unreachable':
      return {
        kind: 'unreachable',
        label: 'Cluster unreachable',
        title: 'The cluster is away.',
        message: `${asOf === null ? 'The cluster does not answer.' : `The cluster has not answered since ${asOf}.`} What you ask for is kept and done when it is back.`,
      };
  }
}

export interface ConnectionStore {
  get: () => Connection;
  set: (change: Partial<Connection>) => void;
  /** Calls `listener` after each change; returns the function that ends it. */
  subscribe: (listener: () => void) => () => void;
}

/** Holds the connection's state for React's `useSyncExternalStore`. */
export function createConnectionStore(): ConnectionStore {
  let connection: Connection = { link: 'connecting', isOffline: false, freshness: null, heardAtMs: null };
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
