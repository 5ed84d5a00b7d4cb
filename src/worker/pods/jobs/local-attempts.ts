/** Attempts that this process makes without the queue: their state, and pure decisions about the next one. */

import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import type { AttemptOutcome } from './attempts.ts';

/** A project that this process reconciles without the queue. */
export interface LocalAttempt {
  project: Pick<ProjectRecord, 'id' | 'desiredState'>;
  /** The generation that the last attempt was made for; `null` when the row could not be read. */
  generation: number | null;
  /** The number of attempts that have been made. */
  attempts: number;
  /** Runs while the project waits for its next attempt. */
  timer: NodeJS.Timeout | null;
  /** A reconcile was requested after the current attempt began. */
  requestedAgain: boolean;
}

/**
 * What a request means for a project whose job the queue refused. `start`: begin with the first attempt. `run-again`: an
 * attempt is running or about to run; another one follows it. `keep-waiting`: the next attempt of this generation waits for
 * its back-off.
 */
export function decideOnRequest(
  existing: Pick<LocalAttempt, 'timer' | 'generation'> | undefined,
  generation: number,
): 'start' | 'run-again' | 'keep-waiting' {
  if (!existing) return 'start';
  if (existing.timer === null) return 'run-again';
  return existing.generation === generation ? 'keep-waiting' : 'start';
}

/** What follows an attempt. `used`: whether it used up one of the attempts. */
export type NextStep = { kind: 'end' } | { kind: 'run-now' } | { kind: 'run-after'; delayMs: number; used: boolean };

export function decideOnOutcome(outcome: AttemptOutcome, { requestedAgain }: { requestedAgain: boolean }): NextStep {
  switch (outcome.kind) {
    case 'done':
      // The attempt may have read the cluster before the change that led to the request.
      return requestedAgain ? { kind: 'run-now' } : { kind: 'end' };
    case 'requeue':
      return { kind: 'run-after', delayMs: outcome.requeueAfterMs, used: false };
    case 'retry':
      return { kind: 'run-after', delayMs: outcome.delayMs, used: true };
    case 'failed':
      return { kind: 'end' };
  }
}
