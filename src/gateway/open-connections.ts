/** The requests and sockets that pass through the gateway now. Each is ended when its entry is no longer admitted. */

import type { Entry } from '../shared/node/access/tickets.ts';
import type { Admission } from './admission.ts';

export interface OpenConnection {
  entry: Entry;
  /** The pod that it was opened to. A restarted project has another one. `null`: the gateway itself answers. */
  podUid: string | null;
  /** Whether it would stay open for ever: a WebSocket, or a stream of events. */
  isLongLived(): boolean;
  /** Ends it at once, on both sides. */
  end(): void;
}

export interface OpenConnections {
  /** @returns `false` when this user has reached the limit; nothing was registered then */
  add(connection: OpenConnection): boolean;
  remove(connection: OpenConnection): void;
  /** Checks every open connection again and ends those that may no longer pass. */
  recheck(check: (entry: Entry) => Promise<Admission>): Promise<void>;
  endAll(): void;
  /** Ends what would stay open for ever. */
  endLongLived(): void;
  /** Resolves when nothing is open, or after `timeoutMs`. */
  whenEmpty(timeoutMs: number): Promise<void>;
  count: () => number;
}

export function createOpenConnections({ maxPerUser }: { maxPerUser: number }): OpenConnections {
  const byUser = new Map<string, Set<OpenConnection>>();
  let onEmpty: (() => void) | null = null;
  const all = () => [...byUser.values()].flatMap((connections) => [...connections]);

  return {
    add(connection) {
      const { userId } = connection.entry;
      const connections = byUser.get(userId) ?? new Set();
      if (connections.size >= maxPerUser) return false;
      byUser.set(userId, connections.add(connection));
      return true;
    },
    remove(connection) {
      const connections = byUser.get(connection.entry.userId);
      connections?.delete(connection);
      if (connections?.size === 0) byUser.delete(connection.entry.userId);
      if (byUser.size === 0) onEmpty?.();
    },
    async recheck(check) {
      await Promise.all(
        all().map(async (connection) => {
          const admission = await check(connection.entry);
          if (!mayContinue(connection, admission)) connection.end();
        }),
      );
    },
    endAll() {
      for (const connection of all()) connection.end();
    },
    endLongLived() {
      for (const connection of all()) if (connection.isLongLived()) connection.end();
    },
    async whenEmpty(timeoutMs) {
      if (byUser.size === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, timeoutMs);
      onEmpty = resolve;
      await promise;
      clearTimeout(timer);
    },
    count: () => all().length,
  };
}

/** A pod that is not ready for a moment keeps its connections. A pod that is to end, or was replaced, loses them. */
function mayContinue({ podUid }: OpenConnection, admission: Admission): boolean {
  if (admission.kind === 'refused') return false;
  if (podUid === null) return true;
  if (admission.kind === 'admitted') return admission.podUid === podUid;
  const { project, cause } = admission;
  return project.desiredState === 'running' && project.podUid === podUid && cause === 'state';
}
