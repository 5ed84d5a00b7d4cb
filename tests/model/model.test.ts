/**
 * An exhaustive small model of what may happen to one project. It contains the row, the cluster (a pod and a claim by
 * name, deletion that takes its time, deletes with a uid, a claim that stays while a pod runs on it), two executors that
 * may stand still or die between any two steps, requests that arrive after their sender gave up or died, answers that get
 * lost, attempts that fail for now or for good, an owner who asks for anything at any moment, pods that fail or are deleted
 * by hand, and a watch whose view may be as old as it likes. Every order of their steps is tried. `decide`, `derive`,
 * `isOutdated` (inside them), `applyCommand` and the manifests are the real ones.
 *
 * It abstracts: the queue (any executor may begin a job at any moment, so jobs run twice, late and out of order), time (a
 * failed pod has rested long enough), words (only whether they are those of the last failure), PostgreSQL (a read or a
 * locked write is one step), foreign objects, and the loop of `reconcile.ts`, the writes of `status-writer.ts` and the
 * rules by which `cluster-watch.ts` and the sweep queue a job: these four are written down again in the model.
 */

import { describe, expect, it } from 'vitest';

import { explore, type Limits } from './explore.ts';
import { createHealer } from './heal.ts';
import { allGuards, type Guards } from './row.ts';

const none: Limits = { command: 0, mishap: 0, failure: 0, 'late request': 0 };
const timeoutMs = 120_000;

/**
 * Tries everything. `fault`: what goes wrong, with the shortest way to it, be it while it happens or in what is left of
 * it; `null` if nothing does. `longestWay`: the most steps that lie between any state and the end that its owner wants.
 */
function tryEverything(guards: Guards, limits: Limits) {
  const { states, fault, worlds, traceTo } = explore(guards, limits);
  const heal = createHealer(guards);
  let longestWay = 0;
  if (fault) return { states, fault, longestWay };
  for (const [world, state] of worlds) {
    const healing = heal(world);
    if (healing.fault) {
      const { message, trace } = healing.fault;
      const whole = [...traceTo(state), 'from here on nothing goes wrong any more', ...trace];
      return { states, fault: { message, trace: whole }, longestWay };
    }
    longestWay = Math.max(longestWay, healing.steps);
  }
  return { states, fault: null, longestWay };
}

describe('two executors that stand still or die between any two steps', () => {
  // The numbers of states are honest lower bounds: a model that loses its races by a mistake fails here.
  it.each([
    { name: 'two commands at any moment', limits: { ...none, command: 2 }, atLeast: 150_000 },
    { name: 'a command and a lost pod', limits: { ...none, command: 1, mishap: 1 }, atLeast: 90_000 },
    { name: 'a command and a failing attempt', limits: { ...none, command: 1, failure: 1 }, atLeast: 100_000 },
    {
      name: 'a command and a request that arrives after its sender gave up',
      limits: { ...none, command: 1, 'late request': 1 },
      atLeast: 150_000,
    },
  ])(
    'never let two pods share a volume, lose a command or leave objects behind, and every state converges in a few steps: $name',
    ({ limits, atLeast }) => {
      const { states, fault, longestWay } = tryEverything(allGuards, limits);
      expect(fault).toBeNull();
      expect(states).toBeGreaterThan(atLeast);
      expect(longestWay).toBeGreaterThan(5);
      expect(longestWay).toBeLessThanOrEqual(12);
    },
    timeoutMs,
  );
});

describe('the model finds', () => {
  it.each([
    {
      fault: 'two pods share one volume',
      where: 'a name is drawn at each attempt',
      without: 'podNameIsCommitted',
      limits: none,
    },
    {
      fault: 'a pod was deleted that nobody had looked at',
      where: 'a delete does not name the uid',
      without: 'deletesNameTheUid',
      limits: { ...none, command: 1 },
    },
    {
      fault: 'a volume was deleted that its owner had not deleted',
      where: 'the volume of a stopped project counts as not needed',
      without: 'claimsGoOnDeletionAlone',
      limits: { ...none, command: 1 },
    },
    {
      fault: 'a newer command was no longer acknowledged',
      where: 'an order is noted whatever was wished for meanwhile',
      without: 'acknowledgeComparesGenerations',
      limits: { ...none, command: 1 },
    },
    {
      fault: 'a failure of an earlier wish was noted on a later one',
      where: 'a failure is noted whatever was wished for meanwhile',
      without: 'failedComparesGenerations',
      limits: { ...none, command: 1, failure: 1 },
    },
    {
      fault: 'a volume was left behind',
      where: 'the watch does not look at archived projects',
      without: 'watchReconcilesArchivedRows',
      limits: { ...none, command: 1 },
    },
    {
      fault: 'the pod of a later wish was deleted for an earlier one',
      where: 'the row is read before the cluster alone',
      without: 'rowIsReadAfterCluster',
      limits: { ...none, command: 2 },
    },
    {
      fault: 'a wish was never passed on',
      where: 'no sweep looks for wishes',
      without: 'sweepFindsPendingCommands',
      limits: none,
    },
  ] as const)(
    '$fault, where $where',
    ({ fault, without, limits }) => {
      const found = tryEverything({ ...allGuards, [without]: false }, limits).fault;
      expect(found?.message).toBe(fault);
      expect(found?.trace).not.toHaveLength(0);
    },
    timeoutMs,
  );
});
