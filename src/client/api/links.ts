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
    // A line that died without a word is noticed by the missing answer. The server asks only peers that are silent for
    // longer, so that one side alone does the asking.
    keepAlive: { enabled: true, intervalMs: 20_000, pongTimeoutMs: 5000 },
    onClose: (cause) => {
      onClose();
      if (cause?.code === sessionEndedCode) onSessionEnded();
    },
  });
}

/** The hooks for paged lists add the direction of paging to the input, which our strict schemas rightly refuse. */
export const withoutDirection: TRPCLink<AppRouter> =
  () =>
  ({ op, next }) => {
    if (typeof op.input !== 'object' || op.input === null || !('direction' in op.input)) return next(op);
    const { direction: _direction, ...input } = op.input;
    return next({ ...op, input });
  };

export function createLinks({ socket }: { socket: TRPCWebSocketClient }): TRPCLink<AppRouter>[] {
  return [
    withoutDirection,
    splitLink({
      condition: (operation) => operation.type === 'subscription',
      true: wsLink({ client: socket }),
      // As many calls as the server takes in one request.
      false: httpBatchLink({ url: '/trpc', maxItems: 20 }),
    }),
  ];
}
