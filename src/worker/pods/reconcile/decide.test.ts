import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { claimOf, podOf, testNow } from '../../../../tests/model/fixtures.ts';
import { recordFixture } from '../../../../tests/support/project-fixture.ts';
import { createClusterClock } from '../kube/cluster-clock.ts';
import { decide, failedPodRestMs, type Actual } from './decide.ts';

const running = recordFixture();
const stopped = recordFixture({ desiredState: 'stopped', generation: 2 });
const deleted = recordFixture({ desiredState: 'deleted', generation: 2 });

const kindOf = (...input: Parameters<typeof decide>) => decide(...input).kind;

describe('decide', () => {
  it('creates the volume before the pod, and is then settled', () => {
    expect(kindOf(running, { pod: null, claim: null }, testNow)).toBe('create-claim');
    expect(kindOf(running, { pod: null, claim: claimOf() }, testNow)).toBe('create-pod');
    expect(kindOf(running, { pod: podOf(), claim: claimOf() }, testNow)).toBe('settled');
  });

  it('creates the volume again when a pod waits for one that was deleted, but not for a pod that runs', () => {
    expect(kindOf(running, { pod: podOf({ phase: 'Pending' }), claim: null }, testNow)).toBe('create-claim');
    expect(kindOf(running, { pod: podOf(), claim: null }, testNow)).toBe('settled');
    expect(kindOf(running, { pod: podOf({ phase: 'Pending' }), claim: claimOf({ leaving: true }) }, testNow)).toBe(
      'settled',
    );
  });

  it('stops a project by deleting only its pod', () => {
    expect(kindOf(stopped, { pod: podOf(), claim: claimOf() }, testNow)).toBe('delete-pod');
    expect(decide(stopped, { pod: podOf({ leaving: true }), claim: claimOf() }, testNow)).toEqual({
      kind: 'wait',
      acknowledged: true,
    });
    expect(kindOf(stopped, { pod: null, claim: claimOf() }, testNow)).toBe('settled');
  });

  it('deletes pod and volume, and is settled when both are gone', () => {
    expect(kindOf(deleted, { pod: podOf(), claim: claimOf() }, testNow)).toBe('delete-pod');
    expect(kindOf(deleted, { pod: podOf({ leaving: true }), claim: claimOf() }, testNow)).toBe('delete-claim');
    expect(kindOf(deleted, { pod: null, claim: claimOf({ leaving: true }) }, testNow)).toBe('wait');
    expect(kindOf(deleted, { pod: null, claim: null }, testNow)).toBe('settled');
  });

  it('replaces the pod from before a restart only after it is gone', () => {
    const restarted = recordFixture({ generation: 2, podGeneration: 2 });
    expect(kindOf(restarted, { pod: podOf({ generation: 1 }), claim: claimOf() }, testNow)).toBe('delete-pod');
    expect(decide(restarted, { pod: podOf({ generation: 1, leaving: true }), claim: claimOf() }, testNow)).toEqual({
      kind: 'wait',
      acknowledged: false,
    });
    expect(kindOf(restarted, { pod: podOf({ generation: 2 }), claim: claimOf() }, testNow)).toBe('settled');
  });

  it('replaces a failed pod only when it is old enough', () => {
    const young = podOf({ phase: 'Failed', createdAt: new Date(testNow - 1_000).toISOString() });
    expect(decide(running, { pod: young, claim: claimOf() }, testNow)).toEqual({
      kind: 'requeue',
      requeueAfterMs: failedPodRestMs - 1_000,
    });
    expect(kindOf(running, { pod: podOf({ phase: 'Failed' }), claim: claimOf() }, testNow)).toBe('delete-pod');
  });

  it.each([3_600_000, -3_600_000])(
    'replaces a failed pod in time on a machine whose clock is wrong by %i ms, by the clock of the cluster',
    (aheadMs) => {
      const clock = createClusterClock({ now: () => testNow + aheadMs, monotonic: () => 5_000 });
      clock.observe(new Date(testNow).toUTCString());
      const failed = (ageMs: number) => ({
        pod: podOf({ phase: 'Failed', createdAt: new Date(testNow - ageMs).toISOString() }),
        claim: claimOf(),
      });
      expect(kindOf(running, failed(2_000), clock.now())).toBe('requeue');
      expect(kindOf(running, failed(failedPodRestMs + 2_000), clock.now())).toBe('delete-pod');
    },
  );

  it('waits no longer for a failed pod whose creation seems to be in the future', () => {
    const future = podOf({ phase: 'Failed', createdAt: new Date(testNow + 3_600_000).toISOString() });
    expect(decide(running, { pod: future, claim: claimOf() }, testNow)).toEqual({
      kind: 'requeue',
      requeueAfterMs: failedPodRestMs,
    });
  });

  it('waits until a terminating volume is gone before it creates a new one', () => {
    expect(decide(running, { pod: null, claim: claimOf({ leaving: true }) }, testNow)).toEqual({
      kind: 'wait',
      acknowledged: false,
    });
  });

  it('reports a conflict when a foreign object has our name', () => {
    const foreign = '11111111-2222-4333-8444-555555555555';
    for (const record of [running, stopped, deleted]) {
      expect(kindOf(record, { pod: podOf({ projectId: foreign }), claim: null }, testNow)).toBe('conflict');
      expect(kindOf(record, { pod: null, claim: claimOf({ projectId: foreign }) }, testNow)).toBe('conflict');
    }
  });

  it('always ends settled in the desired state, and never with a second pod', () => {
    const podArbitrary = fc.option(
      fc.record({
        generation: fc.integer({ min: 1, max: 3 }),
        phase: fc.constantFrom('Pending' as const, 'Running' as const, 'Failed' as const, 'Succeeded' as const),
        leaving: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(
        podArbitrary,
        fc.option(fc.record({ leaving: fc.boolean() })),
        fc.constantFrom('running' as const, 'stopped' as const, 'deleted' as const),
        fc.integer({ min: 1, max: 3 }),
        (pod, claim, desiredState, podGeneration) => {
          const desired = recordFixture({ desiredState, generation: 3, podGeneration });
          let actual: Actual = { pod: pod && podOf(pod), claim: claim && claimOf(claim) };
          for (let step = 0; step < 12; step++) {
            const effect = decide(desired, actual, testNow);
            switch (effect.kind) {
              case 'create-claim':
                expect(actual.claim).toBeNull();
                actual = { ...actual, claim: claimOf() };
                break;
              case 'create-pod':
                expect(actual.pod).toBeNull();
                actual = { ...actual, pod: podOf({ generation: desired.generation, phase: 'Pending' }) };
                break;
              case 'delete-pod':
                actual = { ...actual, pod: podOf({ ...pod, leaving: true }) };
                break;
              case 'delete-claim':
                expect(desired.desiredState).toBe('deleted');
                actual = { ...actual, claim: claimOf({ leaving: true }) };
                break;
              case 'wait': // the cluster finishes the deletion
                actual = {
                  pod: actual.pod?.metadata.deletionTimestamp ? null : actual.pod,
                  claim: actual.claim?.metadata.deletionTimestamp ? null : actual.claim,
                };
                break;
              case 'settled':
                expect(actual.pod !== null).toBe(desiredState === 'running');
                if (desiredState === 'deleted') expect(actual.claim).toBeNull();
                return;
              case 'requeue':
              case 'conflict':
                expect.unreachable(effect.kind);
            }
          }
          expect.unreachable('it was never settled');
        },
      ),
    );
  });
});
