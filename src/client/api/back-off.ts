/** Delays between attempts to reconnect: doubling, bounded, and spread so that a restart is not met by everybody at once. */
export interface BackOff {
  /** The delay before the next attempt, in milliseconds. */
  nextDelayMs(): number;
  /** Starts from the beginning: something worked. */
  reset(): void;
}

const firstDelayMs = 400;
const longestDelayMs = 15_000;

/**
 * Counts for itself, because the socket's own counter begins anew whenever a socket merely opens: a server that accepts
 * and then refuses would be asked without pause.
 */
export function createBackOff({ random }: { random: () => number }): BackOff {
  let attempt = 0;
  return {
    nextDelayMs() {
      const ceiling = Math.min(longestDelayMs, firstDelayMs * 2 ** attempt);
      attempt += 1;
      return Math.round(ceiling / 2 + (ceiling / 2) * random());
    },
    reset() {
      attempt = 0;
    },
  };
}
