/**
 * What becomes of any pair of row and cluster once the faults are over: no further wishes, every executor replaced by one
 * that is healthy, the watch up to date. Whatever order the rest happens in, it must end, and end as the owner wants it.
 */

import { decide } from '../../src/worker/pods/reconcile/decide.ts';
import { actualIn, clusterMoves, orderOf, serve, type Cluster } from './cluster.ts';
import type { World } from './explore.ts';
import { testNow } from './fixtures.ts';
import { command, recordAcknowledged, recordFrom, recordObservation, type Guards, type Row } from './row.ts';

export interface Healing {
  /** Of the longest way to the end. */
  steps: number;
  /** What is wrong with an end that can be reached, and the way to it; `null` when every end is as it should be. */
  fault: { message: string; trace: string[] } | null;
}

interface NamedWorld extends World {
  name: string;
}

/** Returns a function that remembers what it has found, for most worlds heal by way of others. */
export function createHealer(guards: Guards): (world: World) => Healing {
  const known = new Map<string, Healing>();
  const circle: Healing = { steps: 0, fault: { message: 'it goes round in circles', trace: [] } };

  return heal;

  function heal({ row, cluster }: World): Healing {
    const key = JSON.stringify([row, cluster]);
    const found = known.get(key);
    if (found) return found;
    known.set(key, circle); // until it is known better: whoever comes back here has gone round
    const healing = healingBy(row, cluster, movesOf(row, cluster, guards));
    known.set(key, healing);
    return healing;
  }

  function healingBy(row: Row, cluster: Cluster, moves: NamedWorld[]): Healing {
    if (moves.length === 0) {
      const message = wrongWith(row, cluster);
      return { steps: 0, fault: message === null ? null : { message, trace: [] } };
    }
    let steps = 0;
    for (const move of moves) {
      const { fault, steps: further } = heal(move);
      if (fault) return { steps: 0, fault: { ...fault, trace: [move.name, ...fault.trace] } };
      steps = Math.max(steps, further + 1);
    }
    return { steps, fault: null };
  }
}

function movesOf(row: Row, cluster: Cluster, guards: Guards): NamedWorld[] {
  const moves: NamedWorld[] = clusterMoves(row, cluster);
  const observed = recordObservation(row, actualIn(row, cluster));
  if (JSON.stringify(observed) !== JSON.stringify(row))
    moves.push({ name: 'the watch writes what is', row: observed, cluster });
  const isObserved = row.observedGeneration === row.generation;
  // The watch and its resync look after what was ordered, the sweep after what was not.
  if ((isObserved && !isIdle(row, cluster, guards)) || (isNeverReconciled(row) && guards.sweepFindsPendingCommands)) {
    const job = jobStep(row, cluster, guards);
    if (job) moves.push(job);
  }
  if (moves.length > 0 || row.status !== 'error' || row.failedGeneration !== row.generation) return moves;
  // It says so on the screen and waits for its owner, who mends the cause and asks for another try.
  const retried = command(row, 'retry');
  return retried ? [{ name: 'the owner asks: retry', row: retried, cluster }] : [];
}

/** One effect of an executor that nobody disturbs. */
function jobStep(row: Row, cluster: Cluster, guards: Guards): NamedWorld | null {
  const actual = actualIn(row, cluster);
  const effect = decide(recordFrom(row), actual, testNow);
  const isObserved = effect.kind === 'settled' || (effect.kind === 'wait' && effect.acknowledged);
  if (isObserved) {
    const gone = effect.kind === 'settled' && actual.pod === null && row.desiredState !== 'running';
    return {
      name: 'a job notes the order',
      row: recordAcknowledged(row, { generation: row.generation, gone }, guards),
      cluster,
    };
  }
  const request = orderOf(effect, recordFrom(row));
  return request && { name: `a job does ${effect.kind}`, row, cluster: serve(request, row, cluster, guards).cluster };
}

/** As `isIdle` of `cluster-watch.ts`; what no event tells is found by its resync. */
function isIdle(row: Row, cluster: Cluster, guards: Guards): boolean {
  if (row.failedGeneration === row.generation) return true;
  if (row.status === 'archived' && !guards.watchReconcilesArchivedRows) return true;
  const actual = actualIn(row, cluster);
  if (actual.pod?.metadata.deletionTimestamp) return true;
  const effect = decide(recordFrom(row), actual, testNow);
  const goneUnrecorded = row.desiredState !== 'running' && row.observedGeneration < row.generation;
  return effect.kind === 'settled' ? !goneUnrecorded : effect.kind === 'wait' || effect.kind === 'conflict';
}

/** As `listPendingProjects`. */
function isNeverReconciled(row: Row): boolean {
  return row.observedGeneration < row.generation && row.failedGeneration !== row.generation;
}

/** What the owner would find wrong at the end, or `null`. */
function wrongWith(row: Row, { pods, claim }: Cluster): string | null {
  if (isNeverReconciled(row)) return 'a wish was never passed on';
  switch (row.desiredState) {
    case 'running': {
      const [pod] = pods;
      if (!pod) return 'no pod runs';
      if (pod.leaving || pod.condition !== 'ready') return 'the pod is not ready';
      if (pod.generation < row.podGeneration) return 'the pod of before the restart runs on';
      if (!claim || claim.leaving) return 'the pod has no volume';
      return row.status === 'ready' ? null : `it runs and is shown as ${row.status}`;
    }
    case 'stopped':
      if (pods.length > 0) return 'a pod was left behind';
      return row.status === 'stopped' ? null : `it is stopped and shown as ${row.status}`;
    case 'deleted':
      if (pods.length > 0) return 'a pod was left behind';
      if (claim) return 'a volume was left behind';
      return row.status === 'archived' ? null : `it is deleted and shown as ${row.status}`;
  }
}
