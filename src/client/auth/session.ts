/** The end of a session, by the person's wish or by the server's. */

import { signInPath, type SignInReason } from './return-to.ts';

export interface Session {
  /** The server no longer knows the session: shows the sign-in page, which leads back to where one was. */
  ended(): void;
  /** Ends the session on the server, then shows the sign-in page. Rejects when the server did not do it. */
  signOut(): Promise<void>;
  /** The same for all sessions of the person, which `revokeAll` ends on the server. */
  signOutEverywhere(revokeAll: () => Promise<unknown>): Promise<void>;
}

export interface SessionDeps {
  /** Loads another page of this site: nothing of the last person is left in memory then. */
  load: (path: string) => void;
  currentPath: () => string;
  fetch: typeof globalThis.fetch;
}

export function createSession({ load, currentPath, fetch }: SessionDeps): Session {
  // Several calls may be refused at once, and the server closes the socket of whoever signs out: one page is enough.
  let leaving = false;
  let endedMeanwhile = false;

  /** Whatever `end` makes the server say of an end meanwhile is no news. */
  async function leave(end: () => Promise<unknown>, reason: SignInReason): Promise<void> {
    if (leaving) return;
    leaving = true;
    try {
      await end();
    } catch (error) {
      leaving = false;
      if (endedMeanwhile) ended(); // it was done, and only the answer was lost
      throw error;
    }
    load(signInPath({ reason }));
  }

  async function logout(): Promise<void> {
    const response = await fetch('/auth/logout', { method: 'POST', headers: { accept: 'application/json' } });
    if (!response.ok && response.status !== 401) {
      throw new Error(`The server answered ${response.status} to the sign-out.`);
    }
  }

  function ended(): void {
    const returnTo = currentPath();
    endedMeanwhile = leaving;
    if (leaving || returnTo.startsWith('/sign-in')) return;
    leaving = true;
    load(signInPath({ returnTo, reason: 'ended' }));
  }

  return {
    ended,
    signOut: () => leave(logout, 'signed-out'),
    signOutEverywhere: (revokeAll) =>
      leave(async () => {
        await revokeAll();
        // Takes the cookie away. It is worth nothing any more, so nobody is kept here when that fails.
        await logout().catch(() => undefined);
      }, 'signed-out-everywhere'),
  };
}
