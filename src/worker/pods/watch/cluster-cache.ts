/** The pods, volume claims and Kubernetes events of the installation, as the watch last reported them. */

import type { Clock } from '../../../shared/clock.ts';
import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import type { KubernetesClaim } from '../kube/kubernetes-claim.ts';
import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import type { KubernetesPod } from '../kube/kubernetes-pod.ts';
import type { Actual } from '../reconcile/decide.ts';
import type { ObservedState } from '../status/derive.ts';
import { createEventCache, type EventCache } from './event-cache.ts';
import { createObjectCache, type ObjectCache } from './object-cache.ts';

export interface ClusterCache {
  pods: ObjectCache<KubernetesPod>;
  claims: ObjectCache<KubernetesClaim>;
  events: EventCache<KubernetesEvent>;
  /** Whether pods and claims have been listed. Before that, a missing object proves nothing. */
  readonly synced: boolean;
  actualOf(record: ProjectRecord): Actual;
  /** As {@link actualOf}, with the events about pod and claim. */
  observedStateOf(record: ProjectRecord): ObservedState;
  /** The pod or claim of this name, or `null`. */
  objectNamed(name: string): KubernetesPod | KubernetesClaim | null;
}

export function createClusterCache({ clock }: { clock: Clock }): ClusterCache {
  const pods = createObjectCache<KubernetesPod>();
  const claims = createObjectCache<KubernetesClaim>();
  const events = createEventCache<KubernetesEvent>({ clock });
  function actualOf({ podName, workspacePvcName }: ProjectRecord): Actual {
    const pod = pods.unreadableNamed(podName);
    if (pod) return { pod: null, claim: null, unreadable: { kind: 'pod', ...pod } };
    const claim = claims.unreadableNamed(workspacePvcName);
    if (claim) return { pod: null, claim: null, unreadable: { kind: 'volume claim', ...claim } };
    return { pod: pods.named(podName), claim: claims.named(workspacePvcName) };
  }
  return {
    pods,
    claims,
    events,
    get synced() {
      return pods.synced && claims.synced;
    },
    actualOf,
    observedStateOf(record) {
      const actual = actualOf(record);
      const { pod, claim } = actual;
      // The last events about a pod that is gone say why it is gone.
      const podUid = pod?.metadata.uid ?? record.podUid;
      const ofPod = podUid === null ? [] : events.about({ uid: podUid, name: record.podName });
      const ofClaim = claim ? events.about({ uid: claim.metadata.uid, name: claim.metadata.name }) : [];
      return { ...actual, events: [...ofPod, ...ofClaim] };
    },
    objectNamed: (name) => pods.named(name) ?? claims.named(name),
  };
}
