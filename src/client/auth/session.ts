/** Ends the session of the user: on request, or after the server has ended it. */

import { signInPath, type SignInReason } from './sign-in-path.ts';

export interface Session {
  /** The server has ended the session: loads the sign-in page, which leads back to the current page. */
  ended(): void;
  /** Ends the session on the server, then loads the sign-in page. Rejects when the server did not end it. */
  signOut(): Promise<void>;
  /** Ends all sessions of the user with `revokeAll`, then loads the sign-in page. Rejects when `revokeAll` fails. */
  signOutEverywhere(revokeAll: () => Promise<unknown>): Promise<void>;
}

interface SessionDeps {
  /** Loads another page of this site. A full load removes the data of the user from memory. */
  load: (path: string) => void;
  currentPath: () => string;
  fetch: typeof globalThis.fetch;
}

export function createSession({ load, currentPath, fetch }: SessionDeps): Session {
  // Several calls can be refused at once, and signing out closes the socket too. Only the first of them loads a page.
  let leaving = false;
  let endedWhileLeaving = false;

  /** While `end` runs, `ended` only records that the session has ended. */
  async function leave(end: () => Promise<unknown>, reason: SignInReason): Promise<void> {
    if (leaving) return;
    leaving = true;
    try {
      await end();
    } catch (error) {
      leaving = false;
      if (endedWhileLeaving) ended(); // the session has ended, and only the answer was lost
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
    endedWhileLeaving = leaving;
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
        // Deletes the cookie. The session has ended already, so a failure does not matter.
        await logout().catch(() => undefined);
      }, 'signed-out-everywhere'),
  };
}
