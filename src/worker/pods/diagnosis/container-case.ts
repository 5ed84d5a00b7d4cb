/** One container of a pod, with what the rules about containers need to know. */

import type { Actor } from '../../../shared/contract/diagnosis.ts';
import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import type { ContainerStatus, KubernetesPod } from '../kube/kubernetes-pod.ts';
import { cloneContainer } from './clone-failure.ts';
import { helperFor } from './container-roles.ts';

export interface ContainerCase {
  pod: KubernetesPod;
  container: ContainerStatus;
  /** Whether it is meant to end. A sidecar among the init containers is not. */
  isInit: boolean;
  /** Events of the pod, oldest first. */
  events: KubernetesEvent[];
  now: number;
}

/** Whether this init container is a sidecar: it keeps running beside the containers (KEP-753). */
export function isSidecar(pod: KubernetesPod, name: string): boolean {
  return pod.spec.initContainers.some((each) => each.name === name && each.restartPolicy === 'Always');
}

/** Who can fix what the program of a container does. The clone runs for the repository of the owner. */
export function actorFor(container: string): Actor {
  return container === cloneContainer ? 'owner' : helperFor(container);
}

/** What Kubernetes does with a container that failed, for the next step of a diagnosis. */
export function describeRestart({ restartCount }: ContainerStatus): string {
  const count = restartCount === 0 ? '' : ` (${restartCount} ${restartCount === 1 ? 'restart' : 'restarts'} so far)`;
  return `It is started again by itself${count}.`;
}
