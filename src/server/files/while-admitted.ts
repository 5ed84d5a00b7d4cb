/** Ends a long transfer when its caller may no longer read: after a sign-out, and when the project no longer runs. */

/** With the time that the database takes for an answer, a revocation takes effect within five seconds. */
const recheckIntervalMs = 2_000;

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
