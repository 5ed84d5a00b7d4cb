/**
 * What `decide` guarantees for every row and every state of the cluster: pods in any phase and of any generation,
 * terminating, finished, without a status or foreign; claims bound, terminating or foreign; or no object. What happens
 * between a decision and its effect is tested by the model in tests/model.
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

/** Checks `property` for every decision, and that decisions of these kinds were among them. */
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

const isTerminating = (object: Actual['pod'] | Actual['claim']) => Boolean(object?.metadata.deletionTimestamp);
const isFinished = (pod: Actual['pod']) => pod?.status.phase === 'Failed' || pod?.status.phase === 'Succeeded';
const isForeign = (object: Actual['pod'] | Actual['claim']) =>
  object !== null && object.metadata.labels[projectIdLabel] !== ours;

describe('for every desired and every actual state, decide', () => {
  it('returns the same effect for the same input and changes neither row nor objects', () => {
    forEveryDecision(({ record, actual, effect }) => {
      const before = structuredClone({ record, actual });
      expect(decide(record, actual, testNow)).toEqual(effect);
      expect({ record, actual }).toEqual(before);
    });
  });

  it('depends only on the command, not on the status, the acknowledged or the failed generation', () => {
    forEveryDecision(({ record, actual, effect }) => {
      const { desiredState, podGeneration } = record;
      expect(decide(recordFixture({ desiredState, podGeneration }), actual, testNow)).toEqual(effect);
    });
  });

  it('creates a pod only when no object has its name and its volume stays', () => {
    forEveryDecision(
      ({ actual, effect }) => {
        if (effect.kind !== 'create-pod') return;
        expect(actual.pod).toBeNull();
        expect(actual.claim).not.toBeNull();
        expect(isTerminating(actual.claim)).toBe(false);
      },
      ['create-pod'],
    );
  });

  it('creates a volume only when no object has its name', () => {
    forEveryDecision(
      ({ actual, effect }) => {
        if (effect.kind === 'create-claim') expect(actual.claim).toBeNull();
      },
      ['create-claim'],
    );
  });

  it('creates and requeues nothing for a stopped or deleted project', () => {
    forEveryDecision(
      ({ record, effect }) => {
        if (['create-pod', 'create-claim', 'requeue'].includes(effect.kind))
          expect(record.desiredState).toBe('running');
      },
      ['create-pod', 'create-claim', 'requeue'],
    );
  });

  it('deletes a volume only for a deletion, and only the volume that was read', () => {
    forEveryDecision(
      ({ record, actual, effect }) => {
        if (effect.kind !== 'delete-claim') return;
        expect(record.desiredState).toBe('deleted');
        expect(effect.claim).toBe(actual.claim);
        expect(isTerminating(actual.claim)).toBe(false);
      },
      ['delete-claim'],
    );
  });

  it('never deletes a pod that should run, runs and is not outdated', () => {
    forEveryDecision(
      ({ record, actual, effect }) => {
        if (effect.kind !== 'delete-pod') return;
        expect(effect.pod).toBe(actual.pod);
        expect(isTerminating(effect.pod)).toBe(false);
        const mayStay = record.desiredState === 'running' && !isOutdated(record, effect.pod) && !isFinished(effect.pod);
        expect(mayStay).toBe(false);
      },
      ['delete-pod'],
    );
  });

  it('reports a conflict exactly when an object is foreign', () => {
    forEveryDecision(
      ({ actual, effect }) => {
        expect(effect.kind === 'conflict').toBe(isForeign(actual.pod) || isForeign(actual.claim));
      },
      ['conflict', 'settled'],
    );
  });

  it('waits only for terminating objects, and acknowledges only when nothing is left to request', () => {
    forEveryDecision(
      ({ record, actual: { pod, claim }, effect }) => {
        if (effect.kind !== 'wait') return;
        expect(isTerminating(pod) || isTerminating(claim)).toBe(true);
        expect(effect.acknowledged).toBe(record.desiredState !== 'running');
        if (!effect.acknowledged) return;
        expect(pod === null || isTerminating(pod)).toBe(true);
        if (record.desiredState === 'deleted') expect(claim === null || isTerminating(claim)).toBe(true);
      },
      ['wait'],
    );
  });

  it('is settled exactly when the actual state is the desired state', () => {
    forEveryDecision(
      ({ record, actual: { pod, claim }, effect }) => {
        if (effect.kind === 'conflict') return;
        const isAsDesired = {
          running:
            pod !== null &&
            !isTerminating(pod) &&
            !isOutdated(record, pod) &&
            !isFinished(pod) &&
            !(pod.status.phase === 'Pending' && claim === null),
          stopped: pod === null,
          deleted: pod === null && claim === null,
        };
        expect(effect.kind === 'settled').toBe(isAsDesired[record.desiredState]);
      },
      ['settled'],
    );
  });

  it('requeues a young finished pod and replaces it when the requested time is over', () => {
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

  it('reaches the desired state in at most eight effects on a healthy cluster', () => {
    const longest = { length: 0 };
    forEveryDecision(({ record, actual, effect: first }) => {
      if (first.kind === 'conflict') return;
      const path: Effect['kind'][] = [];
      let here = actual;
      let nowMs = testNow;
      for (let effect: Effect = first; effect.kind !== 'settled'; effect = decide(record, here, nowMs)) {
        path.push(effect.kind);
        expect(path.length, path.join(', ')).toBeLessThanOrEqual(8);
        if (effect.kind === 'requeue') nowMs += effect.requeueAfterMs;
        here = applied(effect, here, record.generation);
      }
      longest.length = Math.max(longest.length, path.length);
    });
    expect(longest.length).toBeGreaterThanOrEqual(5);
  });
});

/** A healthy cluster after an effect. Every deletion ends immediately. */
function applied(effect: Effect, { pod, claim }: Actual, generation: number): Actual {
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
      return { pod: isTerminating(pod) ? null : pod, claim: isTerminating(claim) ? null : claim };
    case 'requeue':
    case 'conflict':
    case 'settled':
      return { pod, claim };
  }
}
