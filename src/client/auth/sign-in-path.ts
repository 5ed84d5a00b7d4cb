/** The address of the sign-in page, with the page to return to after sign-in. */

export type SignInReason = 'ended' | 'signed-out' | 'signed-out-everywhere';

/** The address of the sign-in page. `reason` selects the message that the page shows. */
export function signInPath({ returnTo, reason }: { returnTo?: string; reason?: SignInReason }): string {
  const search = new URLSearchParams();
  if (returnTo !== undefined && returnTo !== '/' && returnTo !== '/projects') search.set('returnTo', returnTo);
  if (reason !== undefined) search.set('reason', reason);
  return search.size === 0 ? '/sign-in' : `/sign-in?${search.toString()}`;
}
