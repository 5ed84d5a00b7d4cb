/** The subscriptions of one socket, derived from the answers that tRPC sends: which are open, and which are being set up. */

import type { TRPCResponseMessage } from '@trpc/server/rpc';

export type CallId = string | number;

export interface OpenSubscriptions {
  has(id: CallId): boolean;
  count: () => number;
  /** Resolves when tRPC has answered the call with this id, or {@link settle} is called for it. */
  whenSettled(id: CallId): Promise<void>;
  settle(id: CallId): void;
  settleAll(): void;
  /** Takes an answer of tRPC into account. */
  recordAnswer(message: TRPCResponseMessage): void;
}

export function createOpenSubscriptions(): OpenSubscriptions {
  const open = new Set<CallId>();
  const settling = new Map<CallId, () => void>();

  function settle(id: CallId): void {
    settling.get(id)?.();
    settling.delete(id);
  }
  function settleAll(): void {
    for (const id of settling.keys()) settle(id);
  }

  return {
    has: (id) => open.has(id),
    count: () => open.size,
    whenSettled: (id) => new Promise((resolve) => settling.set(id, resolve)),
    settle,
    settleAll,
    recordAnswer(message) {
      const { id } = message;
      // The answer to a call that tRPC could not read has no id. Only one call is set up at a time.
      if (id === null || id === undefined) return settleAll();
      if ('result' in message && message.result.type === 'started') open.add(id);
      if ('error' in message || ('result' in message && message.result.type === 'stopped')) open.delete(id);
      settle(id);
    },
  };
}
