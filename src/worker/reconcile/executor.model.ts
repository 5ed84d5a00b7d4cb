/**
 * An executor of the small model: `reconcile.ts` as a program whose every contact with row or cluster is one step, so
 * that anything may happen between two of them. `decide` and the manifests are the real ones.
 */
import type { DesiredState } from '../../shared/contract/states.ts';
import { kubernetesPodFrom, orderOf, podNamed, serve, type Cluster, type Move, type Request } from './cluster.model.ts';
import { decide, type Effect } from './decide.ts';
import { claimOf, testNow } from './fixtures.ts';
import { failed, recordFrom, told, type Guards, type Row } from './row.model.ts';

interface Wanted {
  desiredState: DesiredState;
  generation: number;
  podGeneration: number;
}
/** `isThere`: the object that was read is still the one in the cluster. Who read a leaving one never asks. */
interface SeenPod {
  generation: number;
  finished: boolean;
  leaving: boolean;
  isThere: boolean;
}
interface SeenClaim {
  leaving: boolean;
  isThere: boolean;
}
interface Seen {
  pod: SeenPod | null;
  claim: SeenClaim | null;
}

/** All that an executor knows. Between two jobs, and after a crash, it knows nothing. */
export type Memory =
  | { at: 'idle' }
  | { at: 'row-read'; wanted: Wanted }
  | { at: 'half-read'; wanted: Wanted; half: { pod: SeenPod | null } | { claim: SeenClaim | null } }
  | { at: 'sending'; request: Request; generation: number; seen: Seen }
  | { at: 'answered'; seen: Seen }
  | { at: 'telling'; generation: number; gone: boolean }
  | { at: 'failing'; generation: number; parked: boolean };

export interface Step extends Move {
  memory: Memory;
}

export const idle: Memory = { at: 'idle' };

/** Whatever the executor may do next, itself or because it must. */
export function executorSteps(memory: Memory, row: Row, cluster: Cluster, guards: Guards): Step[] {
  const here = { row, cluster };
  const dies: Step = { ...here, name: 'an executor dies', memory: idle };
  switch (memory.at) {
    case 'idle': {
      const { desiredState, generation, podGeneration } = row;
      const wanted = { desiredState, generation, podGeneration };
      return [{ ...here, name: `a job begins and reads ${words(wanted)}`, memory: { at: 'row-read', wanted } }];
    }
    case 'row-read': {
      const { wanted } = memory;
      const read = seenIn(row, cluster);
      return [
        { ...here, name: `the job of ${words(wanted)} reads the pod`, memory: half(wanted, { pod: read.pod }) },
        { ...here, name: `the job of ${words(wanted)} reads the claim`, memory: half(wanted, { claim: read.claim }) },
        ...failures(here, wanted.generation),
        dies,
      ];
    }
    case 'half-read': {
      const { wanted } = memory;
      const seen = { ...seenIn(row, cluster), ...memory.half };
      const next: Memory = guards.rowIsReadAfterCluster
        ? { at: 'answered', seen }
        : afterDeciding(wanted, seen, guards);
      return [
        { ...here, name: `the job of ${words(wanted)} reads the other one; ${intention(next)}`, memory: next },
        ...failures(here, wanted.generation),
        dies,
      ];
    }
    case 'sending': {
      const { request, generation, seen } = memory;
      const answer = serve(request, row, cluster, guards);
      const pod = podNamed(row, cluster);
      const isOfLaterWish = request.kind === 'delete-pod' && request.seen && (pod?.generation ?? 0) > generation;
      const fault = isOfLaterWish ? 'the pod of a later wish was deleted for an earlier one' : answer.fault;
      const after = { row, cluster: answer.cluster, ...(fault === undefined ? {} : { fault }) };
      const what = `${request.kind} of generation ${generation} arrives`;
      const answered = answer.result === 'done' ? answeredAfter(request, seen) : idle; // refused: it reads all anew
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
    case 'answered': {
      const next = afterDeciding(row, memory.seen, guards);
      return [{ ...here, name: `the job reads ${words(row)}; ${intention(next)}`, memory: next }, dies];
    }
    case 'telling': {
      const name = `the order of generation ${memory.generation} is noted`;
      return [{ cluster, name, row: told(row, memory, guards), memory: idle }, dies];
    }
    case 'failing': {
      const name = `a failure of generation ${memory.generation} is noted${memory.parked ? ' and parks it' : ''}`;
      return [{ cluster, name, row: failed(row, memory, guards), memory: idle }, dies];
    }
  }
}

/** What an executor no longer knows when the object that it read has gone: a new one may come under the name. */
export function forget(memory: Memory, gone: 'pod' | 'claim'): Memory {
  switch (memory.at) {
    case 'half-read': {
      const { half: held } = memory;
      if ('pod' in held) return gone === 'pod' ? { ...memory, half: { pod: notThere(held.pod) } } : memory;
      return gone === 'claim' ? { ...memory, half: { claim: notThere(held.claim) } } : memory;
    }
    case 'sending':
      return { ...memory, request: forgetIn(memory.request, gone), seen: forgetSeen(memory.seen, gone) };
    case 'answered':
      return { ...memory, seen: forgetSeen(memory.seen, gone) };
    case 'idle':
    case 'row-read':
    case 'telling':
    case 'failing':
      return memory;
  }
}

export function forgetIn(request: Request, gone: 'pod' | 'claim'): Request {
  const names = request.kind === `delete-${gone}`;
  return names ? ({ ...request, seen: false } as Request) : request; // the two deletes are those with `seen`
}

function forgetSeen(seen: Seen, gone: 'pod' | 'claim'): Seen {
  return gone === 'pod' ? { ...seen, pod: notThere(seen.pod) } : { ...seen, claim: notThere(seen.claim) };
}

function notThere<T extends { isThere: boolean }>(object: T | null): T | null {
  return object && { ...object, isThere: false };
}

function half(wanted: Wanted, read: { pod: SeenPod | null } | { claim: SeenClaim | null }): Memory {
  return { at: 'half-read', wanted, half: read };
}

function seenIn(row: Row, cluster: Cluster): Seen {
  const pod = podNamed(row, cluster);
  return {
    pod: pod && seenPod(pod.generation, { finished: pod.condition === 'failed', leaving: pod.leaving }),
    claim: cluster.claim && seenClaim(cluster.claim.leaving),
  };
}

function seenPod(generation: number, { finished, leaving }: { finished: boolean; leaving: boolean }): SeenPod {
  return { generation, finished: finished && !leaving, leaving, isThere: !leaving };
}

function seenClaim(leaving: boolean): SeenClaim {
  return { leaving, isThere: !leaving };
}

/** What the real `decide` says, as the request that is about to be sent or the line that is about to be written. */
function afterDeciding(wanted: Wanted, seen: Seen, guards: Guards): Memory {
  const { generation } = wanted;
  const effect = effectFor(wanted, seen, guards);
  if (effect.kind === 'settled') {
    return { at: 'telling', generation, gone: seen.pod === null && wanted.desiredState !== 'running' };
  }
  if (effect.kind === 'wait' && effect.told) return { at: 'telling', generation, gone: false };
  const order = orderOf(effect, recordFrom(wanted));
  if (!order) return idle;
  // What was read some steps ago may be another object by now, and the uid in the request is that of the old one.
  const isThere = order.kind === 'delete-pod' ? seen.pod?.isThere : seen.claim?.isThere;
  const request = 'seen' in order ? { ...order, seen: isThere ?? false } : order;
  return { at: 'sending', request, generation, seen };
}

function effectFor(wanted: Wanted, seen: Seen, guards: Guards): Effect {
  const pod = seen.pod && kubernetesPodFrom({ ...seen.pod, condition: seen.pod.finished ? 'failed' : 'ready' });
  const claim = seen.claim && claimOf(seen.claim);
  const effect = decide(recordFrom(wanted), { pod, claim }, testNow);
  const careless = !guards.claimsGoOnDeletionAlone && wanted.desiredState === 'stopped';
  return careless && effect.kind === 'settled' && claim ? { kind: 'delete-claim', claim } : effect;
}

function answeredAfter(request: Request, seen: Seen): Memory {
  switch (request.kind) {
    case 'create-claim':
      return { at: 'answered', seen: { ...seen, claim: seenClaim(false) } };
    case 'create-pod':
      return {
        at: 'answered',
        seen: { ...seen, pod: seenPod(request.generation, { finished: false, leaving: false }) },
      };
    case 'delete-pod': {
      const generation = seen.pod?.generation ?? 0;
      return { at: 'answered', seen: { ...seen, pod: seenPod(generation, { finished: false, leaving: true }) } };
    }
    case 'delete-claim':
      return { at: 'answered', seen: { ...seen, claim: seenClaim(true) } };
  }
}

function failures(here: { row: Row; cluster: Cluster }, generation: number): Step[] {
  return [false, true].map((parked) => ({
    ...here,
    name: `the cluster ${parked ? 'refuses generation' : 'does not answer to generation'} ${generation}`,
    memory: failing(generation, parked),
    costs: 'failure',
  }));
}

function failing(generation: number, parked: boolean): Memory {
  return { at: 'failing', generation, parked };
}

function words({ desiredState, generation }: Wanted): string {
  return `"${desiredState}" (generation ${generation})`;
}

function intention(memory: Memory): string {
  switch (memory.at) {
    case 'sending':
      return `it wants to ${memory.request.kind}`;
    case 'telling':
      return 'it wants to note that all orders are given';
    default:
      return 'it has nothing to do';
  }
}
