/** The condition `DisruptionTarget` says which part of Kubernetes ended a pod (`pkg/apis/core/types.go`). It is nobody's fault here. */

import { conditionOf, type KubernetesPod } from '../kube/kubernetes-pod.ts';
import { evictionOf, nodeShutdown, type EndCause } from './evictions.ts';

const elsewhere = 'A new pod starts by itself on another node.';

const causes: Record<string, EndCause> = {
  // `pkg/scheduler/framework/preemption`.
  PreemptionByScheduler: {
    state: 'lost',
    reason: 'preempted',
    message: 'The pod made room for a pod of higher priority.',
    nextStep: 'A new pod starts by itself when there is room for it.',
  },
  // `pkg/controller/tainteviction`.
  DeletionByTaintManager: {
    state: 'lost',
    reason: 'node-lost',
    message: 'The node (machine) of the project is lost or no longer accepts it, so the cluster ended the pod.',
    nextStep: `${elsewhere} An administrator must check the node.`,
  },
  // `pkg/registry/core/pod/storage/eviction.go`: a drain, an autoscaler or a descheduler.
  EvictionByEvictionAPI: {
    state: 'lost',
    reason: 'drained',
    message: 'The pod was moved away from its node (machine), for example for maintenance or to save a node.',
    nextStep: elsewhere,
  },
  // `pkg/controller/podgc`.
  DeletionByPodGC: {
    state: 'lost',
    reason: 'node-lost',
    message: 'The node (machine) of the project no longer exists, so the cluster ended the pod.',
    nextStep: elsewhere,
    actor: 'nobody',
  },
};

/** `null` when the condition is missing, or says no more than the reason of the pod. */
export function disruptionOf(pod: KubernetesPod): EndCause | null {
  const condition = conditionOf(pod, 'DisruptionTarget');
  if (condition?.status !== 'True') return null;
  const { reason = '', message = '' } = condition;
  const known = causes[reason];
  if (known) return known;
  if (reason !== 'TerminationByKubelet') return null;
  // The kubelet uses one reason for a shortage, a shutdown and preemption. The pod's own reason tells them apart.
  switch (pod.status.reason) {
    case 'Evicted':
      return evictionOf(pod.status.message ?? message, true);
    case 'Terminated':
      return nodeShutdown;
    default:
      return null;
  }
}
