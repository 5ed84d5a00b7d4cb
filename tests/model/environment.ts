/** What happens in the small model without an executor: commands of the owner, the watch, the cluster and its mishaps. */

import type { Actual } from '../../src/worker/pods/reconcile/decide.ts';
import { clusterMoves, kubernetesPodFrom, type Cluster, type Move, type PodObject } from './cluster.ts';
import { claimOf } from './fixtures.ts';
import { command, commands, observe, type Row } from './row.ts';

export function environmentMoves(row: Row, cluster: Cluster): Move[] {
  return [
    ...commands.flatMap((what): Move[] => {
      const after = command(row, what);
      return after ? [{ name: `the owner gives the command ${what}`, row: after, cluster, costs: 'command' }] : [];
    }),
    ...views(row).map((view): Move => ({
      name: 'the watch writes what its caches show',
      row: observe(row, view),
      cluster,
    })),
    ...clusterMoves(row, cluster),
    ...mishaps(cluster).map((move): Move => ({ ...move, row, costs: 'mishap' })),
  ];
}

/**
 * Everything that the caches of the watch may show. They may be arbitrarily old, so the watch may write any of these views
 * at any moment. That is more than can happen in reality, and never less.
 */
function views(row: Row): Actual[] {
  const generations = [row.podGeneration, row.podGeneration - 1];
  const pods = generations.flatMap((generation) =>
    (['pending', 'ready', 'failed'] as const).map((condition) => ({ generation, condition, leaving: false })),
  );
  const leaving = { generation: row.podGeneration, condition: 'ready', leaving: true } as const;
  return [null, leaving, ...pods].flatMap((pod) =>
    [null, claimOf()].map((claim) => ({ pod: pod && kubernetesPodFrom(pod), claim })),
  );
}

function mishaps({ pods, claim }: Cluster): { name: string; cluster: Cluster }[] {
  return pods.flatMap((pod, index) => {
    const become = (change: Partial<PodObject>) => ({ pods: pods.with(index, { ...pod, ...change }), claim });
    return pod.leaving
      ? []
      : [
          { name: 'somebody deletes the pod by hand', cluster: become({ leaving: true }) },
          ...(pod.condition === 'failed' ? [] : [{ name: 'the pod fails', cluster: become({ condition: 'failed' }) }]),
        ];
  });
}
