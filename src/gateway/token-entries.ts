/** Turns a personal access token into the entry of a project. Programs send it with each request, so it is remembered. */

import { createHash } from 'node:crypto';

import type { Clock } from '../shared/clock.ts';
import type { Entry } from '../shared/node/access/tickets.ts';
import { accessTokenPrefix } from '../shared/node/db/access-tokens-repository.ts';

/** The id of a token never changes. Whether it still is valid is decided by the admission, each time. */
const rememberMs = 60_000;
const maxRemembered = 5_000;

interface FoundToken {
  user: { id: string };
  tokenId: string;
}

export interface TokenEntries {
  /** @returns `null` when the token is none of ours, was revoked or has expired */
  find: (token: string, projectId: string) => Promise<Entry | null>;
}

export function createTokenEntries(deps: {
  find: (token: string) => Promise<FoundToken | null>;
  clock: Clock;
}): TokenEntries {
  const remembered = new Map<string, { until: number; found: FoundToken }>();

  async function lookUp(token: string): Promise<FoundToken | null> {
    const key = createHash('sha256').update(token).digest('base64');
    const known = remembered.get(key);
    if (known && deps.clock.monotonic() < known.until) return known.found;
    const found = await deps.find(token);
    remembered.delete(key);
    if (found) remembered.set(key, { until: deps.clock.monotonic() + rememberMs, found });
    if (remembered.size > maxRemembered) remembered.delete(remembered.keys().next().value ?? key);
    return found;
  }

  return {
    async find(token, projectId) {
      if (!token.startsWith(accessTokenPrefix)) return null;
      const found = await lookUp(token);
      return found && { credential: { kind: 'token', id: found.tokenId }, userId: found.user.id, projectId };
    },
  };
}
