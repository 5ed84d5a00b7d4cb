/** The requests and sockets that pass through the gateway now. Each is ended when its entry is no longer admitted. */

import type { Entry } from '../shared/node/access/tickets.ts';
import type { Admission } from './admission.ts';

export interface OpenConnection {
  entry: Entry;
  /** The pod address that it was opened to. A restarted pod has another one. */
  address: string;
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
  count(): number;
}

export function createOpenConnections({ maxPerUser }: { maxPerUser: number }): OpenConnections {
  const byUser = new Map<string, Set<OpenConnection>>();
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
    },
    async recheck(check) {
      await Promise.all(
        all().map(async (connection) => {
          const admission = await check(connection.entry);
          if (admission.kind === 'admitted' && admission.address === connection.address) return;
          connection.end();
        }),
      );
    },
    endAll() {
      for (const connection of all()) connection.end();
    },
    count: () => all().length,
  };
}
