/**
 * An executor of the small model: `reconcile.ts` as a program in which every contact with row or cluster is one step, so
 * that anything may happen between two steps. `decide` and the manifests are the real ones.
 */

import type { DesiredState } from '../../src/shared/contract/states.ts';
import { decide, type Effect } from '../../src/worker/pods/reconcile/decide.ts';
import { kubernetesPodFrom, requestOf, podNamed, serve, type Cluster, type Move, type Request } from './cluster.ts';
import { claimOf, testNow } from './fixtures.ts';
import { acknowledge, fail, recordFrom, type Guards, type Row } from './row.ts';

interface Desired {
  desiredState: DesiredState;
  generation: number;
  podGeneration: number;
}
/** `isThere`: the object that was read is still the one in the cluster. It does not matter for a terminating object. */
interface ObservedPod {
  generation: number;
  finished: boolean;
  leaving: boolean;
  isThere: boolean;
}
interface ObservedClaim {
  leaving: boolean;
  isThere: boolean;
}
interface ObservedState {
  pod: ObservedPod | null;
  claim: ObservedClaim | null;
}

/** Everything that an executor knows. Between two jobs, and after a crash, it knows nothing. */
export type Memory =
  | { at: 'idle' }
  | { at: 'row-read'; desired: Desired }
  | { at: 'half-read'; desired: Desired; half: { pod: ObservedPod | null } | { claim: ObservedClaim | null } }
  | { at: 'sending'; request: Request; generation: number; observed: ObservedState }
  | { at: 'answered'; observed: ObservedState }
  | { at: 'acknowledging'; generation: number; gone: boolean }
  | { at: 'failing'; generation: number; failedPermanently: boolean };

export interface Step extends Move {
  memory: Memory;
}

export const idle: Memory = { at: 'idle' };

/** Everything that the executor may do next, and everything that may happen to it. */
export function executorSteps(memory: Memory, row: Row, cluster: Cluster, guards: Guards): Step[] {
  const here = { row, cluster };
  const dies: Step = { ...here, name: 'an executor dies', memory: idle };
  switch (memory.at) {
    case 'idle': {
      const { desiredState, generation, podGeneration } = row;
      const desired = { desiredState, generation, podGeneration };
      return [
        { ...here, name: `a job begins and reads ${describeDesired(desired)}`, memory: { at: 'row-read', desired } },
      ];
    }
    case 'row-read': {
      const { desired } = memory;
      const read = observedIn(row, cluster);
      return [
        {
          ...here,
          name: `the job of ${describeDesired(desired)} reads the pod`,
          memory: half(desired, { pod: read.pod }),
        },
        {
          ...here,
          name: `the job of ${describeDesired(desired)} reads the claim`,
          memory: half(desired, { claim: read.claim }),
        },
        ...failures(here, desired.generation),
        dies,
      ];
    }
    case 'half-read': {
      const { desired } = memory;
      const observed = { ...observedIn(row, cluster), ...memory.half };
      const next: Memory = guards.rowIsReadAfterCluster
        ? { at: 'answered', observed }
        : afterDeciding(desired, observed, guards);
      return [
        {
          ...here,
          name: `the job of ${describeDesired(desired)} reads the other object; ${intention(next)}`,
          memory: next,
        },
        ...failures(here, desired.generation),
        dies,
      ];
    }
    case 'sending':
      return stepsWhileSending(memory, row, cluster, guards);
    case 'answered': {
      const next = afterDeciding(row, memory.observed, guards);
      return [{ ...here, name: `the job reads ${describeDesired(row)}; ${intention(next)}`, memory: next }, dies];
    }
    case 'acknowledging': {
      const name = `generation ${memory.generation} is acknowledged`;
      return [{ cluster, name, row: acknowledge(row, memory, guards), memory: idle }, dies];
    }
    case 'failing': {
      const name = `a ${memory.failedPermanently ? 'permanent ' : ''}failure of generation ${memory.generation} is recorded`;
      return [{ cluster, name, row: fail(row, memory, guards), memory: idle }, dies];
    }
  }
}

/** The request of an executor arrives, fails, gets lost or arrives late. */
function stepsWhileSending(
  { request, generation, observed }: Extract<Memory, { at: 'sending' }>,
  row: Row,
  cluster: Cluster,
  guards: Guards,
): Step[] {
  const here = { row, cluster };
  const dies: Step = { ...here, name: 'an executor dies', memory: idle };
  const answer = serve(request, row, cluster, guards);
  const pod = podNamed(row, cluster);
  const isOfNewerCommand = request.kind === 'delete-pod' && request.current && (pod?.generation ?? 0) > generation;
  const fault = isOfNewerCommand ? 'the pod of a later command was deleted for an earlier one' : answer.fault;
  const after = { row, cluster: answer.cluster, ...(fault === undefined ? {} : { fault }) };
  const what = `${request.kind} of generation ${generation} arrives`;
  const answered = answer.result === 'done' ? answeredAfter(request, observed) : idle; // refused: it reads everything again
  return [
    { ...after, name: `${what} (${answer.result})`, memory: answered },
    { ...after, name: `${what}, the answer is lost`, memory: failing(generation, false), costs: 'failure' },
    { ...after, name: `${what}, the executor dies before the answer`, memory: idle },
    ...failures(here, generation),
    {
      ...here,
      name: `${request.kind} of generation ${generation} is cut off on its way`,
      memory: idle,
      late: request,
      costs: 'late request',
    },
    dies,
  ];
}

/** What an executor still knows after the object that it read is gone. A new object may take the name. */
export function forget(memory: Memory, gone: 'pod' | 'claim'): Memory {
  switch (memory.at) {
    case 'half-read': {
      const { half: held } = memory;
      if ('pod' in held) return gone === 'pod' ? { ...memory, half: { pod: notThere(held.pod) } } : memory;
      return gone === 'claim' ? { ...memory, half: { claim: notThere(held.claim) } } : memory;
    }
    case 'sending':
      return { ...memory, request: forgetIn(memory.request, gone), observed: forgetObserved(memory.observed, gone) };
    case 'answered':
      return { ...memory, observed: forgetObserved(memory.observed, gone) };
    case 'idle':
    case 'row-read':
    case 'acknowledging':
    case 'failing':
      return memory;
  }
}

export function forgetIn(request: Request, gone: 'pod' | 'claim'): Request {
  const names = request.kind === `delete-${gone}`;
  return names ? ({ ...request, current: false } as Request) : request; // only the two deletes have `current`
}

function forgetObserved(observed: ObservedState, gone: 'pod' | 'claim'): ObservedState {
  return gone === 'pod'
    ? { ...observed, pod: notThere(observed.pod) }
    : { ...observed, claim: notThere(observed.claim) };
}

function notThere<T extends { isThere: boolean }>(object: T | null): T | null {
  return object && { ...object, isThere: false };
}

function half(desired: Desired, read: { pod: ObservedPod | null } | { claim: ObservedClaim | null }): Memory {
  return { at: 'half-read', desired, half: read };
}

function observedIn(row: Row, cluster: Cluster): ObservedState {
  const pod = podNamed(row, cluster);
  return {
    pod: pod && observedPod(pod.generation, { finished: pod.condition === 'failed', leaving: pod.leaving }),
    claim: cluster.claim && observedClaim(cluster.claim.leaving),
  };
}

function observedPod(generation: number, { finished, leaving }: { finished: boolean; leaving: boolean }): ObservedPod {
  return { generation, finished: finished && !leaving, leaving, isThere: !leaving };
}

function observedClaim(leaving: boolean): ObservedClaim {
  return { leaving, isThere: !leaving };
}

/** What the real `decide` says, as the request that follows or the write that follows. */
function afterDeciding(desired: Desired, observed: ObservedState, guards: Guards): Memory {
  const { generation } = desired;
  const effect = effectFor(desired, observed, guards);
  if (effect.kind === 'settled') {
    return { at: 'acknowledging', generation, gone: observed.pod === null && desired.desiredState !== 'running' };
  }
  if (effect.kind === 'wait' && effect.acknowledged) return { at: 'acknowledging', generation, gone: false };
  const sent = requestOf(effect, recordFrom(desired));
  if (!sent) return idle;
  // The object may have been replaced since it was read, and the request names the uid of the old one.
  const isThere = sent.kind === 'delete-pod' ? observed.pod?.isThere : observed.claim?.isThere;
  const request = 'current' in sent ? { ...sent, current: isThere ?? false } : sent;
  return { at: 'sending', request, generation, observed };
}

function effectFor(desired: Desired, observed: ObservedState, guards: Guards): Effect {
  const pod =
    observed.pod && kubernetesPodFrom({ ...observed.pod, condition: observed.pod.finished ? 'failed' : 'ready' });
  const claim = observed.claim && claimOf(observed.claim);
  const effect = decide(recordFrom(desired), { pod, claim }, testNow);
  const careless = !guards.claimsGoOnDeletionAlone && desired.desiredState === 'stopped';
  return careless && effect.kind === 'settled' && claim ? { kind: 'delete-claim', claim } : effect;
}

function answeredAfter(request: Request, observed: ObservedState): Memory {
  switch (request.kind) {
    case 'create-claim':
      return { at: 'answered', observed: { ...observed, claim: observedClaim(false) } };
    case 'create-pod':
      return {
        at: 'answered',
        observed: { ...observed, pod: observedPod(request.generation, { finished: false, leaving: false }) },
      };
    case 'delete-pod': {
      const generation = observed.pod?.generation ?? 0;
      return {
        at: 'answered',
        observed: { ...observed, pod: observedPod(generation, { finished: false, leaving: true }) },
      };
    }
    case 'delete-claim':
      return { at: 'answered', observed: { ...observed, claim: observedClaim(true) } };
  }
}

function failures(here: { row: Row; cluster: Cluster }, generation: number): Step[] {
  return [false, true].map((failedPermanently) => ({
    ...here,
    name: `the cluster ${failedPermanently ? 'refuses generation' : 'does not answer to generation'} ${generation}`,
    memory: failing(generation, failedPermanently),
    costs: 'failure',
  }));
}

function failing(generation: number, failedPermanently: boolean): Memory {
  return { at: 'failing', generation, failedPermanently };
}

function describeDesired({ desiredState, generation }: Desired): string {
  return `"${desiredState}" (generation ${generation})`;
}

function intention(memory: Memory): string {
  switch (memory.at) {
    case 'sending':
      return `it will ${memory.request.kind}`;
    case 'acknowledging':
      return 'it will acknowledge the generation';
    default:
      return 'it has nothing to do';
  }
}
