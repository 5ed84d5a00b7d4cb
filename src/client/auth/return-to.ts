/** The address of the sign-in page: it carries where the person was and why they have to sign in. */

export type SignInReason = 'ended' | 'signed-out' | 'signed-out-everywhere';

/** The address of the sign-in page that leads back to `returnTo` and says why one is there. */
export function signInPath({ returnTo, reason }: { returnTo?: string; reason?: SignInReason }): string {
  const search = new URLSearchParams();
  if (returnTo !== undefined && returnTo !== '/' && returnTo !== '/projects') search.set('returnTo', returnTo);
  if (reason !== undefined) search.set('reason', reason);
  return search.size === 0 ? '/sign-in' : `/sign-in?${search.toString()}`;
}
