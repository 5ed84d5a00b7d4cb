import { describe, expect, it } from 'vitest';

import { claimOf, podOf } from '../../../../tests/model/fixtures.ts';
import { recordFixture } from '../../../../tests/support/project-fixture.ts';
import { initialProgress } from '../../../shared/contract/diagnosis.ts';
import { statusMessages } from '../../../shared/contract/status-messages.ts';
import { recordAcknowledged, recordFailure, recordSettled } from './attempt-patches.ts';
import { derive } from './derive.ts';

const now = '2026-01-01T12:00:00.000Z';
const nothing = { pod: null, claim: null };
const error = {
  message: 'The cluster answered with an error.',
  reason: 'cluster-error',
  nextStep: 'The worker tries again by itself. If this continues, an administrator must check the disk.',
  actor: 'administrator',
  evidence: [],
} as const;
const failure = {
  generation: 1,
  error: { ...error, evidence: [] },
  failedPermanently: false,
  attempt: { number: 3, of: 10 },
};
const failed = recordFixture({ podError: error.message, podErrorCode: 'cluster-error', message: error.message });

describe('recordAcknowledged', () => {
  it('writes the generation and clears the failure', () => {
    expect(recordAcknowledged(recordFixture(), { generation: 1, now })).toEqual({
      observedGeneration: 1,
      podError: null,
      podErrorCode: null,
      failedGeneration: null,
    });
  });

  it('replaces the message of a failure by the message of the command', () => {
    const messages = {
      running: statusMessages.creating,
      stopped: statusMessages.stopping,
      deleted: statusMessages.deleting,
    };
    for (const desiredState of ['running', 'stopped', 'deleted'] as const) {
      const patch = recordAcknowledged({ ...failed, desiredState }, { generation: 1, now });
      expect(patch).toMatchObject({ ...messages[desiredState], reasonSince: now });
    }
  });

  it('writes nothing when a newer command came meanwhile', () => {
    expect(recordAcknowledged(recordFixture({ generation: 2 }), { generation: 1, now })).toBeNull();
    expect(recordSettled(recordFixture({ generation: 2 }), { generation: 1, actual: nothing, now })).toBeNull();
  });
});

describe('recordSettled', () => {
  it('writes the status when the watch has nothing to report', () => {
    const stopping = recordFixture({ desiredState: 'stopped', status: 'stopping', reason: 'stopping' });
    expect(recordSettled(stopping, { generation: 1, actual: nothing, now })).toMatchObject({ status: 'stopped' });
    const queued = recordFixture({ reason: 'queued' });
    const actual = { pod: podOf(), claim: claimOf() };
    expect(recordSettled(queued, { generation: 1, actual, now })).toMatchObject({ status: 'ready' });
  });

  it('leaves the status to the watch while the row still shows the pod', () => {
    const stopping = recordFixture({ desiredState: 'stopped', status: 'stopping', podUid: 'uid-1' });
    expect(recordSettled(stopping, { generation: 1, actual: nothing, now })).not.toHaveProperty('status');
  });
});

describe('recordFailure', () => {
  it('shows the failure and the number of the attempt', () => {
    const record = recordFixture({ progress: initialProgress(now, 10) });
    expect(recordFailure(record, failure, now)).toMatchObject({
      podError: error.message,
      message: error.message,
      nextStep: expect.stringMatching(/check the disk\. Attempt 3 of 10\.$/),
      actor: 'administrator',
      failedGeneration: null,
    });
  });

  it('shows a permanent failure as an error that can be retried', () => {
    expect(recordFailure(recordFixture(), { ...failure, failedPermanently: true }, now)).toMatchObject({
      status: 'error',
      failedGeneration: 1,
      retryable: true,
      nextStep: 'An administrator must check the disk. Fix the cause and retry.',
    });
  });

  it('keeps the next step and the actor of the diagnosis in the row, for whenever the failure is shown again', () => {
    const advised = {
      ...failure,
      error: { ...failure.error, nextStep: 'Free some disk space. Then retry.', actor: 'owner' as const },
    };
    const patch = recordFailure(recordFixture({ podUid: 'uid-1' }), advised, now);
    expect(patch).not.toHaveProperty('nextStep');
    const later = recordFixture({ ...patch, podUid: null, failedGeneration: 1 });
    expect(derive(later, nothing, now).patch).toMatchObject({
      reason: 'cluster-error',
      nextStep: 'Free some disk space. Then retry.',
      actor: 'owner',
    });
  });

  it('does not show the next step of an earlier failure', () => {
    const patch = recordFailure(recordFixture({ podUid: 'uid-1' }), failure, now);
    const later = recordFixture({ ...patch, podError: 'Something else.', podUid: null, failedGeneration: 1 });
    expect(derive(later, nothing, now).patch.nextStep).not.toContain('disk');
  });

  it('does not hide the state of a pod that the watch reports', () => {
    const patch = recordFailure(recordFixture({ podUid: 'uid-1' }), failure, now);
    expect(patch).toMatchObject({ podError: error.message });
    expect(patch).not.toHaveProperty('message');
  });

  it('writes nothing when a newer command came meanwhile, or when the project is archived', () => {
    expect(recordFailure(recordFixture({ generation: 2 }), failure, now)).toBeNull();
    expect(recordFailure(recordFixture({ status: 'archived' }), failure, now)).toBeNull();
  });
});
