import { describe, expect, it } from 'vitest';

import { decideOnOutcome, decideOnRequest } from './local-attempts.ts';

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
