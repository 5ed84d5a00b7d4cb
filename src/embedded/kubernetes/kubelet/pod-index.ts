/** Counts over all pods, updated with each change: which pods use a claim, and how much of the node is requested. */

import { objectsAt, textAt, valueAt, type KubeObject } from '../api/kube-object.ts';
import { parseQuantity } from '../api/quantity.ts';

/** CPUs and bytes of memory. */
interface Amounts {
  cpu: number;
  memory: number;
}

export type PodIndex = ReturnType<typeof createPodIndex>;

/**
 * Each change costs the same however many pods there are, because the other pods are not read again.
 */
export function createPodIndex(nodeName: string) {
  const claimUsers = new Map<string, Set<string>>();
  const used: Amounts = { cpu: 0, memory: 0 };

  function count(pod: KubeObject | undefined, sign: 1 | -1): void {
    if (pod === undefined || textAt(pod, 'spec', 'nodeName') !== nodeName || hasEnded(pod)) return;
    const amounts = requestsOf(pod);
    used.cpu += sign * amounts.cpu;
    used.memory += sign * amounts.memory;
  }

  return {
    /** Applies one change from the watch. */
    observe(key: string, pod: KubeObject | undefined, previous: KubeObject | undefined): void {
      count(previous, -1);
      count(pod, 1);
      for (const claim of previous === undefined ? [] : claimsOf(previous)) {
        const users = claimUsers.get(claim);
        users?.delete(key);
        if (users?.size === 0) claimUsers.delete(claim);
      }
      for (const claim of pod === undefined ? [] : claimsOf(pod)) {
        claimUsers.set(claim, (claimUsers.get(claim) ?? new Set()).add(key));
      }
    },

    /** The keys of the pods that name a claim, in whatever phase they are. */
    usersOf: (claim: string): Iterable<string> => claimUsers.get(claim) ?? [],

    /** The sum of the requests of the pods on the node. */
    used: (): Amounts => used,
  };
}

/** The sum of the requests of a pod's containers. */
export function requestsOf(pod: KubeObject): Amounts {
  const sum = (resource: string): number =>
    objectsAt(pod, 'spec', 'containers').reduce(
      (total, container) => total + (parseQuantity(valueAt(container, 'resources', 'requests', resource)) ?? 0),
      0,
    );
  return { cpu: sum('cpu'), memory: sum('memory') };
}

/** The claims that a pod names, as `namespace/name`. */
export function claimsOf(pod: KubeObject): string[] {
  return objectsAt(pod, 'spec', 'volumes').flatMap((volume) => {
    const name = textAt(volume, 'persistentVolumeClaim', 'claimName');
    return name === '' ? [] : [`${pod.metadata.namespace}/${name}`];
  });
}

/** Whether a pod has finished and will never run again. */
export function hasEnded(pod: KubeObject): boolean {
  const phase = textAt(pod, 'status', 'phase');
  return phase === 'Succeeded' || phase === 'Failed';
}
