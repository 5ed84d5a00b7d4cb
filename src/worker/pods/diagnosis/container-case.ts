/** One container of a pod, with what the rules about containers need to know. */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import type { ContainerStatus, KubernetesPod } from '../kube/kubernetes-pod.ts';

export interface ContainerCase {
  pod: KubernetesPod;
  container: ContainerStatus;
  isInit: boolean;
  /** Events of the pod, oldest first. */
  events: KubernetesEvent[];
  now: number;
}

/** What Kubernetes does with a container that failed, for the next step of a diagnosis. */
export function describeRestart({ restartCount }: ContainerStatus): string {
  const count = restartCount === 0 ? '' : ` (${restartCount} ${restartCount === 1 ? 'restart' : 'restarts'} so far)`;
  return `It is started again by itself${count}.`;
}
