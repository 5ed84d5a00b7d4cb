/** Attempts that this process makes without the queue: their state, and pure decisions about the next one. */

import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import type { Enqueued } from '../../../shared/node/project-queue.ts';
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
  /** The queue has accepted a job and does not deliver it. */
  isUndelivered: boolean;
}

/**
 * Whether the queue carries out the project's command, after a job was offered to it. When it did not deliver the job before,
 * only another answer than `known` shows that a worker has taken that job meanwhile.
 */
export function belongsToQueue(queued: Enqueued, { isUndelivered }: Pick<LocalAttempt, 'isUndelivered'>): boolean {
  return queued !== 'refused' && !(isUndelivered && queued === 'known');
}

/** A job that the queue has accepted, while no attempt at its project has begun since. */
export interface AcceptedJob {
  /** The number of the last attempt in the row when the job was offered. */
  attempt: number;
  /** By the monotonic clock. */
  acceptedAtMs: number;
  /** The project's earlier job had vanished when this one was offered. */
  wasLost: boolean;
  /** The job waited for the end of a back-off when it was last offered. */
  isDelayed: boolean;
}

/** A worker that is free takes a job within milliseconds. */
const deliveryMs = 1_500;
/** After this time the queue gives the job of a worker that died to another: the lock of the job and two checks. */
const redeliveryMs = 30_000;

/**
 * What the row says about a job that the queue has accepted. `attempted`: an attempt has begun. `wait`: it may still be
 * delivered. `overdue`: it should have been.
 */
export function decideOnAccepted(
  { attempt, acceptedAtMs }: Pick<AcceptedJob, 'attempt' | 'acceptedAtMs'>,
  record: Pick<ProjectRecord, 'attempt' | 'unfinishedAttempts'> | undefined,
  nowMs: number,
): 'attempted' | 'wait' | 'overdue' {
  if (record?.attempt !== attempt) return 'attempted';
  // An attempt that began before runs, or its worker died.
  const limitMs = record.unfinishedAttempts > 0 ? redeliveryMs : deliveryMs;
  return nowMs - acceptedAtMs > limitMs ? 'overdue' : 'wait';
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
