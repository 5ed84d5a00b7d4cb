/** How calls travel: queries and mutations batched over HTTP, the subscription over one WebSocket. */
import {
  createWSClient,
  httpBatchLink,
  splitLink,
  wsLink,
  type TRPCLink,
  type TRPCWebSocketClient,
} from '@trpc/client';

import type { AppRouter } from '../../server/router.ts';
import type { BackOff } from './back-off.ts';

/** The close code by which the server says that the session has ended. */
const sessionEndedCode = 4401;

export interface SocketDeps {
  /** Where the page came from, such as `https://host`. */
  origin: string;
  backOff: BackOff;
  onSessionEnded: () => void;
  onClose: () => void;
}

/** Opens when something is subscribed, closes when nothing is, and reconnects in between. */
export function createSocket({ origin, backOff, onSessionEnded, onClose }: SocketDeps): TRPCWebSocketClient {
  return createWSClient({
    url: `${origin.replace(/^http/, 'ws')}/trpc`,
    lazy: { enabled: true, closeMs: 1000 },
    retryDelayMs: () => backOff.nextDelayMs(),
    // The server sends a ping twice a minute; only when even that stays out is the line tested from here.
    keepAlive: { enabled: true, intervalMs: 45_000, pongTimeoutMs: 5000 },
    onClose: (cause) => {
      onClose();
      if (cause?.code === sessionEndedCode) onSessionEnded();
    },
  });
}

export function createLinks({ socket }: { socket: TRPCWebSocketClient }): TRPCLink<AppRouter>[] {
  return [
    splitLink({
      condition: (operation) => operation.type === 'subscription',
      true: wsLink({ client: socket }),
      // As many calls as the server takes in one request.
      false: httpBatchLink({ url: '/trpc', maxItems: 20 }),
    }),
  ];
}
