/**
 * An exhaustive small model of what may happen to one project. It contains:
 * - the row, and the cluster with a pod and a claim by name, slow deletion, deletes with a uid, and a claim that stays while
 *   a pod uses it,
 * - two executors that may stop or die between any two steps, requests that arrive after their sender gave up or died,
 *   answers that get lost, and attempts that fail for now or permanently,
 * - an owner who gives any command at any moment, pods that fail or are deleted by hand, and a watch with arbitrarily old
 *   caches.
 *
 * Every order of their steps is tried. The decisions are those of the product: `decide`, `derive`, `applyCommand`, the
 * patches of `attempt-patches.ts`, `needs-reconcile.ts` and the manifests.
 *
 * It abstracts from: the queue (any executor may begin a job at any moment, so jobs run twice, late and out of order), time
 * (a failed pod is replaced immediately), messages (only whether the message is that of the last failure), PostgreSQL (a
 * read or a locked write is one step), foreign objects, and the loop of `reconcile.ts`, which the model repeats step by step.
 */

import { describe, expect, it } from 'vitest';

import { explore, type Limits } from './explore.ts';
import { createHealer } from './heal.ts';
import { allGuards, type Guards } from './row.ts';

const none: Limits = { command: 0, mishap: 0, failure: 0, 'late request': 0 };
const timeoutMs = 120_000;

/**
 * Tries everything. `fault`: what goes wrong, during the faults or afterwards, with the shortest trace; `null` if nothing
 * does. `longestWay`: the largest number of steps between any state and the desired state.
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
      const whole = [...traceTo(state), 'from here on there are no faults', ...trace];
      return { states, fault: { message, trace: whole }, longestWay };
    }
    longestWay = Math.max(longestWay, healing.steps);
  }
  return { states, fault: null, longestWay };
}

describe('two executors that stop or die between any two steps', () => {
  // The numbers of states are lower bounds: a model that lost its races by mistake would fail here.
  it.each([
    { name: 'two commands at any moment', limits: { ...none, command: 2 }, atLeast: 150_000 },
    { name: 'a command, and a pod that is lost', limits: { ...none, command: 1, mishap: 1 }, atLeast: 90_000 },
    { name: 'a command, and an attempt that fails', limits: { ...none, command: 1, failure: 1 }, atLeast: 100_000 },
    {
      name: 'a command, and a request that arrives after its sender died',
      limits: { ...none, command: 1, 'late request': 1 },
      atLeast: 150_000,
    },
  ])(
    'never share a volume, lose a command or leave anything behind, and reach the desired state in a few steps: $name',
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

describe('without a guard of the product the model finds that', () => {
  it.each([
    {
      fault: 'two pods share one volume',
      where: 'each attempt chooses a new pod name',
      without: 'podNameIsCommitted',
      limits: none,
    },
    {
      fault: 'a pod was deleted that no executor had read',
      where: 'a delete request does not name the uid',
      without: 'deletesNameTheUid',
      limits: { ...none, command: 1 },
    },
    {
      fault: 'a volume was deleted although its project was not',
      where: 'the volume of a stopped project counts as unused',
      without: 'claimsGoOnDeletionAlone',
      limits: { ...none, command: 1 },
    },
    {
      fault: 'a newer command was no longer acknowledged',
      where: 'a generation is acknowledged without a comparison with the row',
      without: 'acknowledgeComparesGenerations',
      limits: { ...none, command: 1 },
    },
    {
      fault: 'a failure of an earlier command was recorded for a later one',
      where: 'a failure is recorded without a comparison with the row',
      without: 'failureComparesGenerations',
      limits: { ...none, command: 1, failure: 1 },
    },
    {
      fault: 'a volume was left behind',
      where: 'the watch ignores archived projects',
      without: 'watchReconcilesArchivedRows',
      limits: { ...none, command: 1 },
    },
    {
      fault: 'the pod of a later command was deleted for an earlier one',
      where: 'the row is read only before the cluster',
      without: 'rowIsReadAfterCluster',
      limits: { ...none, command: 2 },
    },
    {
      fault: 'a command was never carried out',
      where: 'no sweep finds pending commands',
      without: 'sweepFindsPendingCommands',
      limits: none,
    },
  ] as const)(
    '$fault, when $where',
    ({ fault, without, limits }) => {
      const found = tryEverything({ ...allGuards, [without]: false }, limits).fault;
      expect(found?.message).toBe(fault);
      expect(found?.trace).not.toHaveLength(0);
    },
    timeoutMs,
  );
});
