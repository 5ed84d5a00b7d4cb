/**
 * Reports orphans: objects with our label that no row knows, for example after the database was restored from a backup. It
 * counts and logs them. After an hour it deletes an orphaned pod of this installation. It never deletes a volume claim,
 * because a claim holds somebody's files.
 */

import type { Clock } from '../../../shared/clock.ts';
import type { Log } from '../../../shared/node/log.ts';
import type { WorkerMetrics } from '../../metrics.ts';
import type { KubernetesClaim } from '../kube/kubernetes-claim.ts';
import type { KubernetesClient } from '../kube/kubernetes-client.ts';
import type { KubernetesPod } from '../kube/kubernetes-pod.ts';
import { installationAnnotation } from '../kube/manifests.ts';
import { projectIdOf } from './project-id-of.ts';

interface Orphans {
  pods: KubernetesPod[];
  claims: KubernetesClaim[];
}

export interface OrphanReporter {
  /** Reports all current orphans, and deletes the pods whose grace period has ended. */
  report(orphans: Orphans): Promise<void>;
}

const defaultGraceMs = 3_600_000;

export function createOrphanReporter(deps: {
  kubernetes: Pick<KubernetesClient, 'deletePod'>;
  /** Reads the database, not a cache: it is the last check before a pod is deleted. */
  isKnown: (projectId: string) => Promise<boolean>;
  installationId: string;
  metrics: Pick<WorkerMetrics, 'orphans' | 'corrected'>;
  log: Log;
  clock: Clock;
  graceMs?: number | undefined;
}): OrphanReporter {
  const { kubernetes, isKnown, installationId, metrics, log, clock, graceMs = defaultGraceMs } = deps;
  /** When each orphan was first found, by uid. A new watch leader starts with an empty map: late is safe, early is not. */
  let foundAt = new Map<string, number>();

  return {
    async report({ pods, claims }) {
      metrics.orphans({ pods: pods.length, claims: claims.length });
      const all = [
        ...pods.map((object) => ({ kind: 'pod', object })),
        ...claims.map((object) => ({ kind: 'claim', object })),
      ];
      const before = foundAt;
      const nowMs = clock.monotonic();
      foundAt = new Map(all.map(({ object: { metadata } }) => [metadata.uid, before.get(metadata.uid) ?? nowMs]));
      for (const { kind, object } of all) {
        const { name, uid } = object.metadata;
        if (!before.has(uid)) log.warn({ kind, name, uid }, 'an object with our label belongs to no project');
      }
      for (const pod of pods) {
        const projectId = projectIdOf(pod);
        // A copy of a project's pod has the id of a known project. Somebody created it by hand, so it stays.
        if (projectId !== null && isDue(pod, nowMs) && !(await isKnown(projectId))) await deleteOrphan(pod);
      }
    },
  };

  function isDue({ metadata }: KubernetesPod, nowMs: number): boolean {
    const isOurs = metadata.annotations[installationAnnotation] === installationId;
    return isOurs && !metadata.deletionTimestamp && nowMs - (foundAt.get(metadata.uid) ?? nowMs) >= graceMs;
  }

  async function deleteOrphan({ metadata }: KubernetesPod): Promise<void> {
    try {
      await kubernetes.deletePod(metadata);
      metrics.corrected('unknown-pod');
      log.warn({ name: metadata.name, uid: metadata.uid }, 'deleted a pod that had belonged to no project for an hour');
    } catch (error) {
      log.warn({ name: metadata.name, error: String(error) }, 'an orphaned pod could not be deleted; trying again');
    }
  }
}
