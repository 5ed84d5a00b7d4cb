/** Ends a long transfer, or what a caller follows, when the caller may no longer read: after a sign-out, or when a role was taken away. */

import { AppError } from '../../shared/contract/errors.ts';

/** With the time that the database takes for an answer, a revocation takes effect within five seconds. */
const recheckIntervalMs = 2_000;

/** Whether `find` finds what the caller reads. Every failure but a refusal may pass. */
export async function mayRead(find: () => Promise<unknown>): Promise<boolean> {
  try {
    await find();
    return true;
  } catch (error) {
    return !(error instanceof AppError && (error.code === 'NOT_FOUND' || error.code === 'FORBIDDEN'));
  }
}

/** @param mayContinue a failure means that nothing is known: the transfer continues, and the check is repeated */
export function whileAdmitted(mayContinue: () => Promise<boolean>): { signal: AbortSignal; stop: () => void } {
  const ended = new AbortController();
  let isChecking = false;
  const timer = setInterval(() => {
    if (isChecking) return;
    isChecking = true;
    mayContinue()
      .then((may) => may || ended.abort())
      .catch(() => undefined)
      .finally(() => (isChecking = false));
  }, recheckIntervalMs);
  return { signal: ended.signal, stop: () => clearInterval(timer) };
}
