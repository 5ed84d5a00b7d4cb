/** Where a person was before they had to sign in, carried in the address of the sign-in page. */

/** A path of this site from untrusted text; `/projects` for everything that might lead elsewhere. */
export function safeReturnTo(text: string | null): string {
  if (text === null || !/^\/(?![/\\])/.test(text) || /[\\\p{Cc}]/u.test(text) || text.startsWith('/sign-in')) {
    return '/projects';
  }
  return text;
}

export type SignInReason = 'ended' | 'signed-out' | 'signed-out-everywhere';

/** The address of the sign-in page that leads back to `returnTo` and says why one is there. */
export function signInPath({ returnTo, reason }: { returnTo?: string; reason?: SignInReason }): string {
  const search = new URLSearchParams();
  if (returnTo !== undefined && returnTo !== '/' && returnTo !== '/projects') search.set('returnTo', returnTo);
  if (reason !== undefined) search.set('reason', reason);
  return search.size === 0 ? '/sign-in' : `/sign-in?${search.toString()}`;
}
