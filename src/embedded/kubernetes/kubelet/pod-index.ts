import { objectsAt, textAt, valueAt, type KubeObject } from '../api/kube-object.ts';
import { parseQuantity } from '../api/quantity.ts';

/** What the scheduler counts. */
export interface Amounts {
  cpu: number;
  memory: number;
}

export type PodIndex = ReturnType<typeof createPodIndex>;

/**
 * What is asked of all pods together, kept up to date with each change, so that one pod more does not mean a look at all
 * the others: which pods name a claim, and how much of the node is taken.
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
    /** Takes in one change, as the watch tells it. */
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

    /** Keys of the pods that name a claim, whatever state they are in. */
    usersOf: (claim: string): Iterable<string> => claimUsers.get(claim) ?? [],

    /** What the pods on the node have asked for together. */
    used: (): Amounts => used,
  };
}

/** The sum of what a pod's containers ask for: CPUs and bytes. */
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

/** Whether a pod will never run again. */
export function hasEnded(pod: KubeObject): boolean {
  const phase = textAt(pod, 'status', 'phase');
  return phase === 'Succeeded' || phase === 'Failed';
}
