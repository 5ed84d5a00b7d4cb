/** How calls travel: queries and mutations are batched over HTTP, the subscription uses one WebSocket, or polls. */

import { httpBatchLink, httpLink, splitLink, wsLink, type TRPCLink } from '@trpc/client';

import type { AppRouter } from '../../server/router.ts';
import type { BackOffOptions } from '../../shared/back-off.ts';
import { createLiveSocket, type LiveSocket } from '../../shared/sdk/live-socket.ts';
import { isUnbatched } from '../../shared/sdk/unbatched-calls.ts';

/** The server closes a socket with this code when the session has ended. */
const sessionEndedCode = 4401;
/** The server accepts this many calls in one request. */
const maxBatchSize = 20;

interface BrowserSocketDeps {
  /** The origin of the page, such as `https://host`. */
  origin: string;
  reconnect: BackOffOptions;
  onSessionEnded: () => void;
  onClose: () => void;
}

export function createBrowserSocket({ origin, reconnect, onSessionEnded, onClose }: BrowserSocketDeps): LiveSocket {
  return createLiveSocket({
    url: origin,
    reconnect,
    closeWhenUnusedMs: 1_000,
    // The server pings only peers that are silent for longer, so only one side pings.
    pingIntervalMs: 20_000,
    onClose: (code) => {
      onClose();
      if (code === sessionEndedCode) onSessionEnded();
    },
  });
}

/** Removes the direction of paging, which the hooks for paged lists add to the input and the server's schemas refuse. */
export const withoutDirection: TRPCLink<AppRouter> =
  () =>
  ({ op, next }) => {
    if (typeof op.input !== 'object' || op.input === null || !('direction' in op.input)) return next(op);
    const { direction: _direction, ...input } = op.input;
    return next({ ...op, input });
  };

export function createLinks({ socket }: { socket: LiveSocket }): TRPCLink<AppRouter>[] {
  return [
    withoutDirection,
    splitLink({
      condition: (operation) => operation.type === 'subscription',
      true: wsLink({ client: socket.client }),
      false: splitLink({
        condition: isUnbatched,
        true: httpLink({ url: '/trpc' }),
        // Servers refuse long addresses, and each call of a batch may name a long path.
        false: httpBatchLink({ url: '/trpc', maxItems: maxBatchSize, maxURLLength: 8_000 }),
      }),
    }),
  ];
}
