/** The end of a session, by the person's wish or by the server's. */
import { signInPath } from './return-to.ts';

export interface Session {
  /** The server no longer knows the session: shows the sign-in page, which leads back to where one was. */
  ended(): void;
  /** Ends the session on the server, then shows the sign-in page. Rejects when the server did not do it. */
  signOut(): Promise<void>;
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

  return {
    ended() {
      const returnTo = currentPath();
      if (leaving || returnTo.startsWith('/sign-in')) return;
      leaving = true;
      load(signInPath({ returnTo, reason: 'ended' }));
    },
    async signOut() {
      if (leaving) return;
      leaving = true;
      try {
        const response = await fetch('/auth/logout', { method: 'POST', headers: { accept: 'application/json' } });
        if (!response.ok && response.status !== 401) {
          throw new Error(`The server answered ${response.status} to the sign-out.`);
        }
      } catch (error) {
        leaving = false;
        throw error;
      }
      load(signInPath({ reason: 'signed-out' }));
    },
  };
}
