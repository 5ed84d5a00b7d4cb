/**
 * Proves that an object is gone before a row says so. A list may be incomplete although its status is 200, so an object that
 * is only missing from a list is read by its name. When the read finds it, the cache was wrong, and a new list is requested.
 */

import { isObserved } from '../../../shared/contract/commands.ts';
import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import { createLimitedWarn } from '../../../shared/node/log-limit.ts';
import type { Log } from '../../../shared/node/log.ts';
import type { KubernetesClient } from '../kube/kubernetes-client.ts';
import { isSelected } from '../kube/manifests.ts';
import type { ClusterCache } from './cluster-cache.ts';
import type { CachedObject, ObjectCache } from './object-cache.ts';

export interface Absences {
  /** Whether the caches are enough to say what exists of the project. If not, {@link prove} must be called first. */
  areProven(record: ProjectRecord): boolean;
  /**
   * Reads the objects whose absence is not proven, so that the caches know whether they exist.
   * @throws KubernetesError
   */
  prove(record: ProjectRecord): Promise<void>;
}

/** A list that is incomplete for longer is requested again this often. Meanwhile the reads are enough. */
const relistMs = 10_000;

export function createAbsences(deps: {
  cache: Pick<ClusterCache, 'pods' | 'claims'>;
  kubernetes: Pick<KubernetesClient, 'readPod' | 'readClaim'>;
  /** Requests a new list of every resource. */
  relist: () => void;
  log: Log;
  monotonic: () => number;
}): Absences {
  const { cache, kubernetes, monotonic } = deps;
  const warn = createLimitedWarn(deps.log);
  let relistedAt = -Infinity;

  const isPodProven = (record: ProjectRecord) => !isPodExpected(record) || cache.pods.isKnown(record.podName);
  const isClaimProven = (record: ProjectRecord) =>
    !isClaimExpected(record) || cache.claims.isKnown(record.workspacePvcName);

  function recordContradiction(name: string): void {
    warn('incomplete list', { name }, 'a list of the cluster lacks an object that exists; listing again');
    if (monotonic() - relistedAt < relistMs) return;
    relistedAt = monotonic();
    deps.relist();
  }

  async function readInto<T extends CachedObject & { metadata: { labels: Record<string, string> } }>(
    objects: ObjectCache<T>,
    name: string,
    read: (name: string) => Promise<T | null>,
  ): Promise<void> {
    const { lists } = objects;
    const object = await read(name);
    // A list came meanwhile, and it may be newer than this answer.
    if (objects.lists !== lists) return;
    // An object without our labels is in no list of ours.
    if (object === null || !isSelected(object)) objects.markGone(name);
    else if (objects.apply('MODIFIED', object)) recordContradiction(name);
  }

  return {
    areProven: (record) => isPodProven(record) && isClaimProven(record),
    async prove(record) {
      const { podName, workspacePvcName } = record;
      await Promise.all([
        isPodProven(record) || readInto(cache.pods, podName, kubernetes.readPod),
        isClaimProven(record) || readInto(cache.claims, workspacePvcName, kubernetes.readClaim),
      ]);
    },
  };
}

/** Whether the row would say that the pod is gone. Before the first attempt there is none. */
function isPodExpected(record: ProjectRecord): boolean {
  return record.status !== 'archived' && (record.podUid !== null || isObserved(record));
}

/** As for the pod; of a stopped project nobody looks at the claim. */
function isClaimExpected(record: ProjectRecord): boolean {
  return record.status !== 'archived' && record.desiredState !== 'stopped' && isObserved(record);
}
