/** The WebSocket below the subscriptions of one client: it opens with the first one, closes after the last, and reconnects. */

import { createWSClient, type TRPCWebSocketClient } from '@trpc/client';

import { backOffMs, type BackOffOptions } from '../back-off.ts';

export interface LiveSocketOptions {
  /** Where the application is, such as `https://projects.example.com`. */
  url: string;
  /** A personal access token. Without it the browser's own session is used. */
  token?: string;
  reconnect: BackOffOptions;
  /** How long an unused socket stays open. */
  closeWhenUnusedMs: number;
  /** How often to ping. A missing answer shows that the connection is dead although nobody closed it. */
  pingIntervalMs: number;
  onClose?: (code: number | undefined) => void;
}

export interface LiveSocket {
  client: TRPCWebSocketClient;
  /** Call this for each event: the next delay before a reconnect then starts from the beginning. */
  resetBackOff(): void;
}

const pongTimeoutMs = 5_000;

export function createLiveSocket(options: LiveSocketOptions): LiveSocket {
  // The library's own counter restarts whenever a socket opens. A server that accepts and then refuses would receive
  // requests without pause, so failed attempts are counted here.
  let failedAttempts = 0;
  const client = createWSClient({
    url: `${options.url.replace(/^http/, 'ws')}/trpc`,
    ...(options.token === undefined ? {} : { connectionParams: { token: options.token } }),
    lazy: { enabled: true, closeMs: options.closeWhenUnusedMs },
    retryDelayMs: () => {
      failedAttempts += 1;
      return backOffMs(failedAttempts, options.reconnect);
    },
    keepAlive: { enabled: true, intervalMs: options.pingIntervalMs, pongTimeoutMs },
    onClose: (cause) => options.onClose?.(cause?.code),
  });
  return {
    client,
    resetBackOff() {
      failedAttempts = 0;
    },
  };
}
