import { describe, expect, it } from 'vitest';

import { recordFixture } from '../../../../tests/support/project-fixture.ts';
import { differenceOf, entryForDrift, entryForFailure, entryForObservation } from './timeline.ts';

const before = recordFixture({ status: 'initializing', reason: 'creating', phase: 'Pending' });

describe('entryForObservation', () => {
  it('adds an entry for another status and for another failure', () => {
    expect(entryForObservation(before, { status: 'ready', reason: 'ready', message: 'All ready.' })).toEqual({
      kind: 'status-changed',
      message: 'All ready.',
      reason: 'ready',
    });
    expect(entryForObservation(before, { reason: 'mount-failed', message: 'No volume.' })).toMatchObject({
      kind: 'status-changed',
      reason: 'mount-failed',
    });
    expect(entryForObservation(before, { status: 'archived', reason: 'archived' })?.kind).toBe('archived');
  });

  it('adds no entry for a step of a start', () => {
    expect(entryForObservation(before, { reason: 'starting', phase: 'Running', message: 'Starting.' })).toBeNull();
  });
});

describe('entryForDrift', () => {
  it('says that a comparison corrected the status', () => {
    const entry = entryForDrift(before, { status: 'ready', reason: 'ready', message: 'All ready.' });
    expect(entry).toMatchObject({
      kind: 'corrected',
      message: expect.stringMatching(/corrected the status: All ready\.$/),
    });
  });

  it('adds no correction when only the message differs', () => {
    expect(entryForDrift(before, { message: 'Other.' })).toBeNull();
  });
});

it('differenceOf names the most important difference', () => {
  expect(differenceOf(before, { phase: 'Running', status: 'ready' })).toBe('objects');
  expect(differenceOf(before, { status: 'ready', phase: 'Pending' })).toBe('status');
  expect(differenceOf(before, { message: 'Other.' })).toBe('message');
});

it('entryForFailure names the attempt only when the number of attempts is limited', () => {
  const error = {
    message: 'It failed.',
    reason: 'cluster-error' as const,
    nextStep: 'Check it.',
    actor: 'administrator' as const,
    evidence: [],
  };
  expect(entryForFailure({ error, attempt: { number: 2, of: 10 }, failedPermanently: false }).message).toBe(
    'Attempt 2 of 10 failed: It failed.',
  );
  expect(entryForFailure({ error, attempt: null, failedPermanently: true }).message).toBe(
    'It failed. No further attempt follows until somebody retries.',
  );
});
