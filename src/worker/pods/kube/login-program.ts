/**
 * Keeps the credentials that a login program has printed. At most one process runs at a time, and everybody waits for it. After
 * a failure the program rests, so that requests do not start it again and again.
 */

import type { Cluster } from '@kubernetes/client-node';

import type { Clock } from '../../../shared/clock.ts';
import type { LoginProgram } from './kubeconfig.ts';
import { runLoginProgram, type LoginCredentials } from './run-login-program.ts';

export interface LoginProgramCredentials {
  /** @throws Error that says what the program did */
  get(): Promise<LoginCredentials>;
  /** The API has refused the credentials. */
  refused(): void;
}

/** Credentials are renewed this long before they expire. The clocks of issuer and cluster may differ by as much. */
const renewBeforeMs = 60_000;
/** Credentials this young are used, although they seem expired or were refused: another run would print the same. */
const youngMs = 5_000;
const firstRestMs = 1_000;
const longestRestMs = 15_000;

/** @param deps.clock the clock of the cluster */
export function createLoginProgram(deps: {
  program: LoginProgram;
  cluster: Cluster | null;
  clock: Clock;
  limitMs: number;
}): LoginProgramCredentials {
  const { program, cluster, clock, limitMs } = deps;
  let held: { credentials: LoginCredentials; receivedAt: number; isRefused: boolean } | null = null;
  let running: Promise<LoginCredentials> | null = null;
  let failure: { error: unknown; count: number; restUntil: number } | null = null;

  function isCurrent(): boolean {
    if (held === null) return false;
    if (clock.monotonic() - held.receivedAt < youngMs) return true;
    const { expiresAtMs } = held.credentials;
    return !held.isRefused && (expiresAtMs === null || clock.now() < expiresAtMs - renewBeforeMs);
  }

  async function run(): Promise<LoginCredentials> {
    try {
      const credentials = await runLoginProgram(program, { cluster, limitMs });
      held = { credentials, receivedAt: clock.monotonic(), isRefused: false };
      failure = null;
      return credentials;
    } catch (error) {
      const count = (failure?.count ?? 0) + 1;
      const restMs = Math.min(firstRestMs * 2 ** (count - 1), longestRestMs);
      failure = { error, count, restUntil: clock.monotonic() + restMs };
      return orHeld(error);
    } finally {
      running = null;
    }
  }

  /** Credentials that expire soon are good until the API refuses them. */
  function orHeld(error: unknown): LoginCredentials {
    if (held === null || held.isRefused) throw error;
    return held.credentials;
  }

  return {
    async get() {
      if (held !== null && isCurrent()) return held.credentials;
      if (running) return running;
      if (failure && clock.monotonic() < failure.restUntil) return orHeld(failure.error);
      running = run();
      return running;
    },
    refused() {
      if (held) held.isRefused = true;
    },
  };
}
