/** Selects the events that belong to a pod and puts them in order. */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { timeOf } from '../kube/kubernetes-time.ts';
import type { PodSnapshot } from './pod-snapshot.ts';

/** The events of exactly this pod, oldest first. Events of an earlier pod with the same name are left out. */
export function eventsOfPod({ events, pod }: Pick<PodSnapshot, 'events' | 'pod'>): KubernetesEvent[] {
  const { uid, name, creationTimestamp } = pod.metadata;
  const isOfPod = (event: KubernetesEvent) => {
    const { involvedObject } = event;
    if (involvedObject.kind !== 'Pod') return false;
    // Some controllers name the pod without its uid.
    const isByName = involvedObject.uid === '' && involvedObject.name === name;
    return involvedObject.uid === uid || (isByName && isSince(event, creationTimestamp));
  };
  return oldestFirst(events.filter(isOfPod));
}

export function oldestFirst(events: KubernetesEvent[]): KubernetesEvent[] {
  return events.toSorted((a, b) => (timeOf(a.at) ?? 0) - (timeOf(b.at) ?? 0));
}

/** Whether the event happened at `from` or after it. An unknown time counts as after. */
export function isSince(event: KubernetesEvent, from: string | null | undefined): boolean {
  const [at, start] = [timeOf(event.at), timeOf(from)];
  return at === null || start === null || at >= start;
}
