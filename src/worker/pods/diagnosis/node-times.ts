/**
 * Times that a node has written, such as the start of a container. The clock of a node may be wrong, while the times of creation
 * and of scheduling come from the control plane. Only ages need this: two times of one node can be compared as they are.
 */

import { conditionOf, type KubernetesPod } from '../kube/kubernetes-pod.ts';
import { timeOf } from '../kube/kubernetes-time.ts';

/**
 * The time, bounded by the life of the pod: nothing happens before its creation, or in the future. Then the time of scheduling
 * counts, until `time` has come.
 */
export function boundedTime(pod: KubernetesPod, time: string | null | undefined, now: number): string | null {
  const at = timeOf(time);
  if (at === null) return null;
  const { creationTimestamp } = pod.metadata;
  if (at < (timeOf(creationTimestamp) ?? at)) return creationTimestamp;
  if (at <= now) return time ?? null;
  return conditionOf(pod, 'PodScheduled')?.lastTransitionTime ?? creationTimestamp;
}

/** A time in the future counts from then on, which changes ages; otherwise `null`. */
export function futureTime(time: string | null | undefined, now: number): string | null {
  const at = timeOf(time);
  return at !== null && at > now ? new Date(at).toISOString() : null;
}
