/** The input of the diagnosis engine: one pod as Kubernetes shows it at one time. */

import type { KubernetesClaim } from '../kube/kubernetes-claim.ts';
import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import type { KubernetesNode } from '../kube/kubernetes-node.ts';
import type { KubernetesPod } from '../kube/kubernetes-pod.ts';

export interface PodSnapshot {
  pod: KubernetesPod;
  /** Events of the pod and its claim, in any order. Old events may be included. */
  events: KubernetesEvent[];
  claim: KubernetesClaim | null;
  /** The node of the pod. The worker itself has no permission to read nodes; captured snapshots have one. */
  node?: KubernetesNode | null;
  /** When the snapshot was taken, in milliseconds since the epoch. */
  now: number;
}
