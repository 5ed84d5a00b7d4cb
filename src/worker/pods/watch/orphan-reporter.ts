/**
 * Objects in our namespace with our label that no row knows, as after the database was restored from an older backup. They
 * are counted and told; a pod goes when it was unknown for an hour and bears the mark of this very installation, a claim
 * never goes by itself: it holds somebody's files.
 */

import type { Log } from '../../../shared/node/log.ts';
import type { WorkerMetrics } from '../../health.ts';
import type { KubernetesClaim } from '../kube/kubernetes-claim.ts';
import type { KubernetesClient } from '../kube/kubernetes-client.ts';
import type { KubernetesPod } from '../kube/kubernetes-pod.ts';
import { installationAnnotation, projectIdLabel } from '../kube/manifests.ts';

export interface Orphans {
  /** Takes note of all that are unknown now, and removes the pods whose time has come. */
  note(unknown: { pods: KubernetesPod[]; claims: KubernetesClaim[] }): Promise<void>;
}

const defaultGraceMs = 3_600_000;

export function createOrphans(deps: {
  kubernetes: Pick<KubernetesClient, 'deletePod'>;
  /** Asks the database, not a cache: the last look before a pod goes. */
  isKnown: (projectId: string) => Promise<boolean>;
  installationId: string;
  metrics: Pick<WorkerMetrics, 'orphans' | 'corrected'>;
  log: Log;
  /** Milliseconds from any origin. */
  now: () => number;
  graceMs?: number | undefined;
}): Orphans {
  const { kubernetes, isKnown, installationId, metrics, log, now, graceMs = defaultGraceMs } = deps;
  /** When each was first found unknown, by uid. A new owner of the watch begins anew: late is safe, early is not. */
  let since = new Map<string, number>();

  return {
    async note({ pods, claims }) {
      metrics.orphans({ pods: pods.length, claims: claims.length });
      const all = [
        ...pods.map((object) => ({ kind: 'pod', object })),
        ...claims.map((object) => ({ kind: 'claim', object })),
      ];
      const before = since;
      since = new Map(all.map(({ object: { metadata } }) => [metadata.uid, before.get(metadata.uid) ?? now()]));
      for (const { kind, object } of all) {
        const { name, uid } = object.metadata;
        if (!before.has(uid)) log.warn({ kind, name, uid }, 'an object with our label belongs to no project');
      }
      for (const pod of pods) {
        const projectId = projectIdOf(pod);
        // A copy of a project's pod names a project that is known: it stays, for somebody made it by hand.
        if (projectId !== null && isDue(pod) && !(await isKnown(projectId))) await remove(pod);
      }
    },
  };

  function isDue({ metadata }: KubernetesPod): boolean {
    const isOurs = metadata.annotations[installationAnnotation] === installationId;
    return isOurs && !metadata.deletionTimestamp && now() - (since.get(metadata.uid) ?? now()) >= graceMs;
  }

  async function remove({ metadata }: KubernetesPod): Promise<void> {
    try {
      await kubernetes.deletePod(metadata);
      metrics.corrected('unknown-pod');
      log.warn({ name: metadata.name, uid: metadata.uid }, 'removed a pod that no project had known for an hour');
    } catch (error) {
      log.warn({ name: metadata.name, error: String(error) }, 'an unknown pod could not be removed; trying again');
    }
  }
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The project that the object names, if the name could be one: anybody may put labels on anything. */
export function projectIdOf(object: { metadata: { name: string; labels: Record<string, string> } }): string | null {
  const id = object.metadata.labels[projectIdLabel] ?? '';
  return uuid.test(id) && object.metadata.name.includes(id) ? id : null;
}
