/**
 * The one watch of an installation: pods and claims with our label, held in memory, and every change of them written to
 * the row of its project. It decides nothing: where wanted and actual differ it queues a job. Run by the holder of the
 * lease alone; each of its writes names the lease's epoch, so one that was replaced while frozen writes nothing.
 */
import { projectJobNameFor } from '../../shared/contract/jobs.ts';
import { kubernetesPodSchema, type KubernetesPod } from '../../shared/contract/kubernetes-pod.ts';
import type { Database } from '../../shared/node/db/database.ts';
import type { Lease } from '../../shared/node/db/leases-repository.ts';
import type { ProjectRecord } from '../../shared/node/db/project-record.ts';
import { differs, listUnarchivedPage } from '../../shared/node/db/projects-repository.ts';
import type { Log } from '../../shared/node/log.ts';
import type { ProjectQueue } from '../../shared/node/project-queue.ts';
import { kubernetesClaimSchema, type KubernetesClaim } from '../kube/kubernetes-claim.ts';
import type { KubernetesClient } from '../kube/kubernetes-client.ts';
import { projectIdLabel, projectSelector } from '../kube/manifests.ts';
import { decide, type Actual } from '../reconcile/decide.ts';
import { derive } from '../reconcile/derive.ts';
import type { StatusWriter } from '../status-writer.ts';
import { listWatch, type ListWatchLimits } from './list-watch.ts';
import { createWorkQueue } from './work-queue.ts';

export interface ClusterWatchDeps {
  db: Database;
  kubernetes: Pick<KubernetesClient, 'open'>;
  writer: StatusWriter;
  queue: ProjectQueue;
  log: Log;
  now: () => Date;
  random: () => number;
  /** Told at every change between reaching the cluster and not. */
  onReachable: (reachable: boolean) => void;
  limits?: Partial<ListWatchLimits>;
}

type ObjectWithLabels = { metadata: { name: string; uid: string; labels: Record<string, string> } };

const pageSize = 500;

/** Watches until `signal` aborts, then resolves with nothing left running. */
export async function watchCluster(deps: ClusterWatchDeps, lease: Lease, signal: AbortSignal): Promise<void> {
  const { db, writer, queue, log, now } = deps;
  const pods = createCache<KubernetesPod>();
  const claims = createCache<KubernetesClaim>();
  const connected = { pods: false, claims: false };
  let reachable: boolean | null = null;

  const work = createWorkQueue({
    concurrency: 8,
    retryMs: 1_000,
    work: observe,
    onError: (projectId, error) => log.error({ projectId, error: String(error) }, 'status not written; trying again'),
  });

  /** Writes what the caches say of a project, and queues a job when that is not what its owner wants. */
  async function observe(projectId: string): Promise<void> {
    if (!pods.synced || !claims.synced || signal.aborted) return;
    const actual: Actual = { pod: pods.of(projectId), claim: claims.of(projectId) };
    const record = await writer.observed(projectId, actual, { lease: lease.name, epoch: lease.epoch });
    if (record) await queueIfNeeded(record, actual);
    else if (actual.pod || actual.claim)
      log.warn({ projectId }, 'an object in the cluster belongs to no project we know');
  }

  async function queueIfNeeded(record: ProjectRecord, actual: Actual): Promise<void> {
    if (isIdle(record, actual)) return;
    await queue.enqueue(projectJobNameFor(record.desiredState), { projectId: record.id });
  }

  function isIdle(record: ProjectRecord, actual: Actual): boolean {
    if (record.parkedGeneration === record.generation) return true;
    const effect = decide(record, actual, now().getTime());
    // Gone before the order was noted: only a job can note it and so settle the stop or the deletion.
    const goneUnnoted = record.desiredState !== 'running' && record.observedGeneration < record.generation;
    return effect.kind === 'settled' ? !goneUnnoted : effect.kind === 'wait' || effect.kind === 'conflict';
  }

  /** Nothing to write and nothing to queue: most projects, most of the time. */
  function isCurrent(record: ProjectRecord): boolean {
    const actual: Actual = { pod: pods.of(record.id), claim: claims.of(record.id) };
    const patch = derive(record, actual, now().toISOString());
    return isIdle(record, actual) && !differs(record, patch);
  }

  /** After a list anything may have changed: look at every project that the database or the cluster knows. */
  async function observeAll(): Promise<void> {
    if (!pods.synced || !claims.synced) return;
    const unknown = new Set([...pods.projectIds(), ...claims.projectIds()]);
    let afterSeq = 0;
    for (;;) {
      const page = await listUnarchivedPage(db, { afterSeq, limit: pageSize });
      for (const record of page) {
        unknown.delete(record.id);
        if (!isCurrent(record)) work.add(record.id);
      }
      afterSeq = page.at(-1)?.seq ?? afterSeq;
      if (page.length < pageSize) break;
    }
    for (const projectId of unknown) work.add(projectId);
  }

  function onState(resource: keyof typeof connected, state: boolean): void {
    connected[resource] = state;
    const both = connected.pods && connected.claims;
    if (both === reachable) return;
    reachable = both;
    deps.onReachable(both);
  }

  const common = { kubernetes: deps.kubernetes, labelSelector: projectSelector, log, random: deps.random, signal };
  const limits = deps.limits ? { limits: deps.limits } : {};
  await Promise.all([
    listWatch({
      ...common,
      ...limits,
      resource: 'pods',
      schema: kubernetesPodSchema,
      handler: handlerOf(pods, (state) => onState('pods', state.connected)),
    }),
    listWatch({
      ...common,
      ...limits,
      resource: 'persistentvolumeclaims',
      schema: kubernetesClaimSchema,
      handler: handlerOf(claims, (state) => onState('claims', state.connected)),
    }),
  ]);
  await work.stop();

  function handlerOf<T extends ObjectWithLabels>(cache: Cache<T>, onStateOf: (state: { connected: boolean }) => void) {
    return {
      onList: (objects: T[]) => {
        cache.replace(objects);
        return observeAll();
      },
      onChange: (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T) => {
        const projectId = cache.apply(type, object);
        if (projectId !== null) work.add(projectId);
      },
      onState: onStateOf,
    };
  }
}

interface Cache<T> {
  readonly synced: boolean;
  of(projectId: string): T | null;
  projectIds(): Iterable<string>;
  replace(objects: T[]): void;
  /** Returns the project whose object really changed, or `null`. */
  apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): string | null;
}

/** The newest object of each project. A late event of an object that was replaced under the same name changes nothing. */
function createCache<T extends ObjectWithLabels>(): Cache<T> {
  let byProject = new Map<string, T>();
  let synced = false;
  return {
    get synced() {
      return synced;
    },
    of: (projectId) => byProject.get(projectId) ?? null,
    projectIds: () => byProject.keys(),
    replace(objects) {
      byProject = new Map(objects.flatMap((each) => (idOf(each) === null ? [] : [[String(idOf(each)), each]])));
      synced = true;
    },
    apply(type, object) {
      const projectId = idOf(object);
      if (projectId === null) return null;
      if (type !== 'DELETED') {
        byProject.set(projectId, object);
      } else if (byProject.get(projectId)?.metadata.uid === object.metadata.uid) {
        byProject.delete(projectId);
      }
      return projectId;
    },
  };
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The project that the object names, if the name could be one: anybody may put labels on anything. */
function idOf(object: ObjectWithLabels): string | null {
  const id = object.metadata.labels[projectIdLabel] ?? '';
  return uuid.test(id) && object.metadata.name.includes(id) ? id : null;
}
