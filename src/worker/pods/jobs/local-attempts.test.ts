import { describe, expect, it } from 'vitest';

import { belongsToQueue, decideOnAccepted, decideOnOutcome, decideOnRequest } from './local-attempts.ts';

describe('decideOnRequest', () => {
  const waiting = { timer: {} as NodeJS.Timeout, generation: 2 };

  it('starts with the first attempt when the project has none yet', () => {
    expect(decideOnRequest(undefined, 1)).toBe('start');
  });

  it('requests one more attempt while an attempt is running', () => {
    expect(decideOnRequest({ timer: null, generation: 1 }, 1)).toBe('run-again');
    expect(decideOnRequest({ timer: null, generation: 1 }, 2)).toBe('run-again');
  });

  it('keeps the back-off of the same command', () => {
    expect(decideOnRequest(waiting, 2)).toBe('keep-waiting');
  });

  it('does not let a newer command wait for the back-off of an older one', () => {
    expect(decideOnRequest(waiting, 3)).toBe('start');
  });
});

describe('decideOnOutcome', () => {
  const error = new Error('broken');
  const quiet = { requestedAgain: false };

  it('ends after a successful attempt', () => {
    expect(decideOnOutcome({ kind: 'done', generation: 1 }, quiet)).toEqual({ kind: 'end' });
  });

  it('runs again immediately when a reconcile was requested during a successful attempt', () => {
    expect(decideOnOutcome({ kind: 'done', generation: 1 }, { requestedAgain: true })).toEqual({ kind: 'run-now' });
  });

  it('uses up an attempt when an attempt failed, but not when it was requeued', () => {
    expect(decideOnOutcome({ kind: 'retry', generation: 1, delayMs: 7, error }, quiet)).toEqual({
      kind: 'run-after',
      delayMs: 7,
      used: true,
    });
    expect(decideOnOutcome({ kind: 'requeue', generation: 1, requeueAfterMs: 5 }, quiet)).toEqual({
      kind: 'run-after',
      delayMs: 5,
      used: false,
    });
  });

  it('ends after a permanent failure, whatever was requested meanwhile', () => {
    expect(decideOnOutcome({ kind: 'failed', generation: 1, error }, { requestedAgain: true })).toEqual({
      kind: 'end',
    });
  });
});

describe('belongsToQueue', () => {
  it('leaves a project to the queue when the queue accepts its job', () => {
    for (const queued of ['added', 'known', 'delayed'] as const) {
      expect(belongsToQueue(queued, { isUndelivered: false })).toBe(true);
    }
    expect(belongsToQueue('refused', { isUndelivered: false })).toBe(false);
  });

  it('leaves a project whose job was not delivered to the queue only after a worker has taken that job', () => {
    expect(belongsToQueue('known', { isUndelivered: true })).toBe(false);
    expect(belongsToQueue('added', { isUndelivered: true })).toBe(true);
    expect(belongsToQueue('delayed', { isUndelivered: true })).toBe(true);
  });
});

describe('decideOnAccepted', () => {
  const job = { attempt: 4, acceptedAtMs: 10_000 };
  const idle = { attempt: 4, unfinishedAttempts: 0 };

  it('is satisfied by any attempt since, and by the end of the project', () => {
    expect(decideOnAccepted(job, { attempt: 5, unfinishedAttempts: 1 }, 60_000)).toBe('attempted');
    expect(decideOnAccepted(job, undefined, 60_000)).toBe('attempted');
  });

  it('gives the queue a moment to deliver the job', () => {
    expect(decideOnAccepted(job, idle, 11_000)).toBe('wait');
    expect(decideOnAccepted(job, idle, 12_000)).toBe('overdue');
  });

  it('gives an attempt that runs, or whose worker died, the time after which the queue delivers its job again', () => {
    const running = { attempt: 4, unfinishedAttempts: 1 };
    expect(decideOnAccepted(job, running, 30_000)).toBe('wait');
    expect(decideOnAccepted(job, running, 41_000)).toBe('overdue');
  });
});
