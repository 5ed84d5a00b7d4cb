/**
 * What becomes of any pair of row and cluster after the faults: no further commands, healthy executors, and a watch that is
 * up to date. In whatever order the rest happens, it must end, and it must end in the desired state.
 */

import { hasFailedPermanently } from '../../src/shared/node/db/project-record.ts';
import { decide } from '../../src/worker/pods/reconcile/decide.ts';
import { needsReconcileBySweep, needsReconcileByWatch } from '../../src/worker/pods/reconcile/needs-reconcile.ts';
import { actualIn, clusterMoves, requestOf, serve, type Cluster } from './cluster.ts';
import type { World } from './explore.ts';
import { testNow } from './fixtures.ts';
import { acknowledge, command, observe, recordFrom, type Guards, type Row } from './row.ts';

export interface Healing {
  /** The number of steps of the longest way to the end. */
  steps: number;
  /** What is wrong with an end that can be reached, and the way to it; `null` when every end is as it should be. */
  fault: { message: string; trace: string[] } | null;
}

interface NamedWorld extends World {
  name: string;
}

/** Returns a function that remembers its results, because most worlds heal by way of others. */
export function createHealer(guards: Guards): (world: World) => Healing {
  const known = new Map<string, Healing>();
  const circle: Healing = { steps: 0, fault: { message: 'it never ends', trace: [] } };

  return heal;

  function heal({ row, cluster }: World): Healing {
    const key = JSON.stringify([row, cluster]);
    const found = known.get(key);
    if (found) return found;
    known.set(key, circle); // until the result is known: a way that comes back here never ends
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
  const observed = observe(row, actualIn(row, cluster));
  if (JSON.stringify(observed) !== JSON.stringify(row)) {
    moves.push({ name: 'the watch writes what the cluster shows', row: observed, cluster });
  }
  if (isReconcileRequested(row, cluster, guards)) {
    const job = jobStep(row, cluster, guards);
    if (job) moves.push(job);
  }
  if (moves.length > 0 || row.status !== 'error' || !hasFailedPermanently(row)) return moves;
  // The screen shows the failure, and the owner fixes the cause and retries.
  const retried = command(row, 'retry');
  return retried ? [{ name: 'the owner retries', row: retried, cluster }] : [];
}

/** The watch and its resync request reconciles of acknowledged commands, the sweep those of pending commands. */
function isReconcileRequested(row: Row, cluster: Cluster, guards: Guards): boolean {
  if (needsReconcileBySweep(row)) return guards.sweepFindsPendingCommands;
  const isIgnored = row.status === 'archived' && !guards.watchReconcilesArchivedRows;
  return !isIgnored && needsReconcileByWatch(recordFrom(row), actualIn(row, cluster), testNow);
}

/** One effect of an executor that nobody disturbs. */
function jobStep(row: Row, cluster: Cluster, guards: Guards): NamedWorld | null {
  const actual = actualIn(row, cluster);
  const effect = decide(recordFrom(row), actual, testNow);
  if (effect.kind === 'settled' || (effect.kind === 'wait' && effect.acknowledged)) {
    const gone = effect.kind === 'settled' && actual.pod === null && row.desiredState !== 'running';
    const acknowledged = acknowledge(row, { generation: row.generation, gone }, guards);
    return { name: 'a job acknowledges the command', row: acknowledged, cluster };
  }
  const request = requestOf(effect, recordFrom(row));
  return request && { name: `a job does ${effect.kind}`, row, cluster: serve(request, row, cluster, guards).cluster };
}

/** What the owner would find wrong at the end, or `null`. */
function wrongWith(row: Row, { pods, claim }: Cluster): string | null {
  if (needsReconcileBySweep(row)) return 'a command was never carried out';
  switch (row.desiredState) {
    case 'running': {
      const [pod] = pods;
      if (!pod) return 'no pod runs';
      if (pod.leaving || pod.condition !== 'ready') return 'the pod is not ready';
      if (pod.generation < row.podGeneration) return 'the pod from before the restart still runs';
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
