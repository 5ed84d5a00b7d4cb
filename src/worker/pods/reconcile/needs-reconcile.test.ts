import { describe, expect, it } from 'vitest';

import { claimOf, podOf, testNow } from '../../../../tests/model/fixtures.ts';
import { recordFixture } from '../../../../tests/support/project-fixture.ts';
import { needsReconcile, needsReconcileBySweep, needsReconcileByWatch } from './needs-reconcile.ts';

const acknowledged = recordFixture({ observedGeneration: 1 });
const pending = recordFixture({ generation: 2, observedGeneration: 1 });
const nothing = { pod: null, claim: null };
const ready = { pod: podOf(), claim: claimOf() };

describe('needsReconcile', () => {
  it('is true when a pod is missing, and false when the desired state is reached', () => {
    expect(needsReconcile(acknowledged, { pod: null, claim: claimOf() }, testNow)).toBe(true);
    expect(needsReconcile(acknowledged, ready, testNow)).toBe(false);
  });

  it('is false when the attempts are exhausted', () => {
    expect(needsReconcile({ ...acknowledged, failedGeneration: 1 }, nothing, testNow)).toBe(false);
  });

  it('is false while the pod is terminating, because its end is an event of the watch', () => {
    const terminating = { pod: podOf({ leaving: true }), claim: claimOf() };
    expect(needsReconcile({ ...acknowledged, desiredState: 'deleted' }, terminating, testNow)).toBe(false);
  });

  it('is false for a foreign object, which nobody but an administrator can rename', () => {
    const foreign = { pod: podOf({ projectId: '11111111-2222-4333-8444-555555555555' }), claim: null };
    expect(needsReconcile(acknowledged, foreign, testNow)).toBe(false);
  });

  it('is true when the objects are gone before the stop or the deletion was acknowledged', () => {
    for (const desiredState of ['stopped', 'deleted'] as const) {
      expect(needsReconcile({ ...pending, desiredState }, nothing, testNow)).toBe(true);
      expect(needsReconcile({ ...acknowledged, desiredState }, nothing, testNow)).toBe(false);
    }
  });
});

describe('a pending command', () => {
  it('is left to its job and the sweep by the watch', () => {
    expect(needsReconcileByWatch(pending, nothing, testNow)).toBe(false);
    expect(needsReconcileByWatch(acknowledged, nothing, testNow)).toBe(true);
    expect(needsReconcileBySweep(pending)).toBe(true);
    expect(needsReconcileBySweep(acknowledged)).toBe(false);
  });

  it('is not requested by the sweep when its attempts are exhausted', () => {
    expect(needsReconcileBySweep({ ...pending, failedGeneration: 2 })).toBe(false);
    expect(needsReconcileBySweep({ ...pending, failedGeneration: 1 })).toBe(true);
  });
});
