/**
 * What `decide` promises for every row and everything that may be found in the cluster: pods in any phase, of any
 * generation, leaving, finished, without a status, of somebody else; claims bound, leaving, of somebody else; or nothing.
 * Abstracted: what happens between a decision and its effect, which is the matter of the model beside this file.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { anyActual, anyRecord } from '../../../../tests/model/arbitraries.ts';
import { claimOf, podOf, testNow } from '../../../../tests/model/fixtures.ts';
import { recordFixture } from '../../../../tests/support/project-fixture.ts';
import { projectIdLabel } from '../kube/manifests.ts';
import { decide, failedPodRestMs, isOutdated, type Actual, type Effect } from './decide.ts';

const runs = { numRuns: 1_000 };
const ours = recordFixture().id;

/** Checks `property` of every decision, and that decisions of the kind in question were among them. */
function forEveryDecision(
  property: (decision: { record: ReturnType<typeof recordFixture>; actual: Actual; effect: Effect }) => void,
  kinds: readonly Effect['kind'][] = [],
): void {
  const met = new Set<Effect['kind']>();
  fc.assert(
    fc.property(anyRecord, anyActual, (record, actual) => {
      const effect = decide(record, actual, testNow);
      met.add(effect.kind);
      property({ record, actual, effect });
    }),
    runs,
  );
  for (const kind of kinds) expect(met).toContain(kind);
}

const isLeaving = (object: Actual['pod'] | Actual['claim']) => Boolean(object?.metadata.deletionTimestamp);
const isFinished = (pod: Actual['pod']) => pod?.status.phase === 'Failed' || pod?.status.phase === 'Succeeded';
const isForeign = (object: Actual['pod'] | Actual['claim']) =>
  object !== null && object.metadata.labels[projectIdLabel] !== ours;

describe('whatever is wanted and whatever is there, decide', () => {
  it('says the same for the same, and touches neither row nor objects', () => {
    forEveryDecision(({ record, actual, effect }) => {
      const before = structuredClone({ record, actual });
      expect(decide(record, actual, testNow)).toEqual(effect);
      expect({ record, actual }).toEqual(before);
    });
  });

  it('looks at the wish alone, not at what is shown, noted or parked', () => {
    forEveryDecision(({ record, actual, effect }) => {
      const { desiredState, podGeneration } = record;
      expect(decide(recordFixture({ desiredState, podGeneration }), actual, testNow)).toEqual(effect);
    });
  });

  it('creates no pod while any object of its name is there, and none without a volume that stays', () => {
    forEveryDecision(
      ({ actual, effect }) => {
        if (effect.kind !== 'create-pod') return;
        expect(actual.pod).toBeNull();
        expect(actual.claim).not.toBeNull();
        expect(isLeaving(actual.claim)).toBe(false);
      },
      ['create-pod'],
    );
  });

  it('creates no volume while any object of its name is there', () => {
    forEveryDecision(
      ({ actual, effect }) => {
        if (effect.kind === 'create-claim') expect(actual.claim).toBeNull();
      },
      ['create-claim'],
    );
  });

  it('creates nothing and puts nothing off for what is stopped or deleted', () => {
    forEveryDecision(
      ({ record, effect }) => {
        if (['create-pod', 'create-claim', 'requeue'].includes(effect.kind))
          expect(record.desiredState).toBe('running');
      },
      ['create-pod', 'create-claim', 'requeue'],
    );
  });

  it('deletes a volume for a deletion alone, and exactly the one that it was shown', () => {
    forEveryDecision(
      ({ record, actual, effect }) => {
        if (effect.kind !== 'delete-claim') return;
        expect(record.desiredState).toBe('deleted');
        expect(effect.claim).toBe(actual.claim);
        expect(isLeaving(actual.claim)).toBe(false);
      },
      ['delete-claim'],
    );
  });

  it('deletes no pod that is wanted, runs and is of the present generation', () => {
    forEveryDecision(
      ({ record, actual, effect }) => {
        if (effect.kind !== 'delete-pod') return;
        expect(effect.pod).toBe(actual.pod);
        expect(isLeaving(effect.pod)).toBe(false);
        const mayStay = record.desiredState === 'running' && !isOutdated(record, effect.pod) && !isFinished(effect.pod);
        expect(mayStay).toBe(false);
      },
      ['delete-pod'],
    );
  });

  it('leaves alone whatever belongs to somebody else, and says so', () => {
    forEveryDecision(
      ({ actual, effect }) => {
        expect(effect.kind === 'conflict').toBe(isForeign(actual.pod) || isForeign(actual.claim));
      },
      ['conflict', 'settled'],
    );
  });

  it('waits only for what is on its way out, and calls the orders given only when nothing is left to order', () => {
    forEveryDecision(
      ({ record, actual: { pod, claim }, effect }) => {
        if (effect.kind !== 'wait') return;
        expect(isLeaving(pod) || isLeaving(claim)).toBe(true);
        expect(effect.acknowledged).toBe(record.desiredState !== 'running');
        if (!effect.acknowledged) return;
        expect(pod === null || isLeaving(pod)).toBe(true);
        if (record.desiredState === 'deleted') expect(claim === null || isLeaving(claim)).toBe(true);
      },
      ['wait'],
    );
  });

  it('is settled exactly when things are as wanted', () => {
    forEveryDecision(
      ({ record, actual: { pod, claim }, effect }) => {
        if (effect.kind === 'conflict') return;
        const isAsDesired = {
          running: pod !== null && !isLeaving(pod) && !isOutdated(record, pod) && !isFinished(pod),
          stopped: pod === null,
          deleted: pod === null && claim === null,
        };
        expect(effect.kind === 'settled').toBe(isAsDesired[record.desiredState]);
      },
      ['settled'],
    );
  });

  it('lets a finished pod rest, and replaces it as soon as the rest that it named is over', () => {
    forEveryDecision(
      ({ record, actual, effect }) => {
        if (effect.kind !== 'requeue') return;
        expect(isFinished(actual.pod)).toBe(true);
        expect(effect.requeueAfterMs).toBeGreaterThan(0);
        expect(effect.requeueAfterMs).toBeLessThanOrEqual(failedPodRestMs);
        expect(decide(record, actual, testNow + effect.requeueAfterMs - 1).kind).toBe('requeue');
        expect(decide(record, actual, testNow + effect.requeueAfterMs).kind).toBe('delete-pod');
      },
      ['requeue'],
    );
  });

  it('reaches its end on a cluster that does what it is told, in at most eight effects', () => {
    const longest = { length: 0 };
    forEveryDecision(({ record, actual, effect: first }) => {
      if (first.kind === 'conflict') return;
      const path: Effect['kind'][] = [];
      let here = actual;
      let now = testNow;
      for (let effect: Effect = first; effect.kind !== 'settled'; effect = decide(record, here, now)) {
        path.push(effect.kind);
        expect(path.length, path.join(', ')).toBeLessThanOrEqual(8);
        if (effect.kind === 'requeue') now += effect.requeueAfterMs;
        here = obey(effect, here, record.generation);
      }
      longest.length = Math.max(longest.length, path.length);
    });
    expect(longest.length).toBeGreaterThanOrEqual(5);
  });
});

/** The cluster after an effect, at its best: waiting is over at once. */
function obey(effect: Effect, { pod, claim }: Actual, generation: number): Actual {
  switch (effect.kind) {
    case 'create-claim':
      return { pod, claim: claimOf() };
    case 'create-pod':
      return { pod: podOf({ generation, phase: 'Pending' }), claim };
    case 'delete-pod':
      return { pod: podOf({ generation, leaving: true }), claim };
    case 'delete-claim':
      return { pod, claim: claimOf({ leaving: true }) };
    case 'wait':
      return { pod: isLeaving(pod) ? null : pod, claim: isLeaving(claim) ? null : claim };
    case 'requeue':
    case 'conflict':
    case 'settled':
      return { pod, claim };
  }
}
