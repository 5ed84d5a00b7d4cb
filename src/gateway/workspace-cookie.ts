/** The cookie that lets a browser stay in a project. It is valid for that project's origin alone. */

import type { Entry, EntryTokens } from '../shared/node/access/tickets.ts';

/** The session or token behind it ends the entry earlier; this only bounds a forgotten cookie. */
const lifetimeSeconds = 7 * 24 * 60 * 60;

export interface WorkspaceCookie {
  /** The `Set-Cookie` header that lets this browser in. */
  issue(entry: Entry): Promise<string>;
  read(cookieHeader: string | undefined, projectId: string): Promise<Entry | null>;
}

/** @param deps.isSecure whether the origins of projects are served over https */
export function createWorkspaceCookie(deps: { tokens: EntryTokens; isSecure: boolean }): WorkspaceCookie {
  const name = deps.isSecure ? '__Host-opencode-workspace' : 'opencode-workspace';
  return {
    async issue(entry) {
      const value = await deps.tokens.sign('workspace-cookie', entry, lifetimeSeconds);
      return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${lifetimeSeconds}${deps.isSecure ? '; Secure' : ''}`;
    },
    async read(cookieHeader, projectId) {
      const prefix = `${name}=`;
      const pairs = (cookieHeader ?? '').split(';').map((pair) => pair.trim());
      // A page of the pod can set a second cookie of this name with a longer path: every one is tried.
      for (const pair of pairs.filter((each) => each.startsWith(prefix)).slice(0, 5)) {
        const entry = await deps.tokens.verify('workspace-cookie', pair.slice(prefix.length), projectId);
        if (entry) return entry;
      }
      return null;
    },
  };
}
