/** The containers of a pod as the project shows them. */

import type { ContainerSummary } from '../../../shared/contract/project.ts';
import { conditionOf, type KubernetesPod } from '../kube/kubernetes-pod.ts';
import { isoTimeOf } from '../kube/kubernetes-time.ts';
import { describeExit } from './exit-codes.ts';

/** The containers in the order of the spec. A container without a status is waiting. */
export function summarizeContainers(pod: KubernetesPod): ContainerSummary[] {
  return pod.spec.containers.map(({ name }) => {
    const status = pod.status.containerStatuses.find((each) => each.name === name);
    const lastRun = status?.lastState.terminated ?? null;
    return {
      name,
      ready: status?.ready ?? false,
      state: status?.state.running ? 'running' : status?.state.terminated ? 'terminated' : 'waiting',
      reason: status?.state.waiting?.reason ?? status?.state.terminated?.reason ?? null,
      restarts: status?.restartCount ?? 0,
      lastExit: lastRun ? describeExit(lastRun) : null,
    };
  });
}

/** When the last container became ready, as an ISO time; `null` when Kubernetes does not say. */
export function readyAtOf(pod: KubernetesPod): string | null {
  const ready = conditionOf(pod, 'Ready');
  return ready?.status === 'True' ? isoTimeOf(ready.lastTransitionTime) : null;
}
