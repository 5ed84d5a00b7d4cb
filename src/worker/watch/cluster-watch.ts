/**
 * The one watch of an installation: pods and claims with our label, held in memory, and every change of them written to
 * the row of its project. It decides nothing: where wanted and actual differ it queues a job. Run by the holder of the
 * lease alone; each of its writes names the lease's epoch, so one that was replaced while frozen writes nothing.
 */
import { setTimeout as delay } from 'node:timers/promises';

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
  /** How often rows and caches are compared, without asking Kubernetes; 30 s unless told otherwise. */
  resyncMs?: number;
}

type ObjectWithLabels = { metadata: { name: string; uid: string; labels: Record<string, string> } };

const pageSize = 500;
const defaultResyncMs = 30_000;

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
    const record = await writer.observed(projectId, actualOf, { lease: lease.name, epoch: lease.epoch });
    if (record) await queueIfNeeded(record);
    else log.warn({ projectId }, 'an object in the cluster belongs to no project we know');
  }

  function actualOf(record: ProjectRecord): Actual {
    return { pod: pods.named(record.podName), claim: claims.named(record.workspacePvcName) };
  }

  async function queueIfNeeded(record: ProjectRecord): Promise<void> {
    if (isIdle(record, actualOf(record))) return;
    // No hurry: an attempt that waits in back-off, or because the cluster asked for it, is not called by events.
    const job = { projectId: record.id };
    const queued = await queue.enqueue(projectJobNameFor(record.desiredState), job, { hurry: false });
    // The sweep looks for wishes alone. What was lost behind our back is known to us only, so we ask until it is taken.
    if (!queued) throw new Error('The queue does not take the job.');
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
    const actual = actualOf(record);
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

  /** Finds what no event tells: a repair whose job was lost with Redis, a row that was written beside the watch. */
  async function resync(): Promise<void> {
    while (!signal.aborted) {
      await delay(deps.resyncMs ?? defaultResyncMs, undefined, { signal }).catch(() => undefined); // the loop sees an abort
      if (signal.aborted) return;
      await observeAll().catch((error: unknown) => log.warn({ error: String(error) }, 'rows and caches not compared'));
    }
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
    resync(),
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
  named(name: string): T | null;
  projectIds(): string[];
  replace(objects: T[]): void;
  /** Returns the project that the object names, or `null`. */
  apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): string | null;
}

/**
 * By name, as the rows know their objects: a copy of a pod with all its labels hides nothing. A late event of an object
 * that was replaced under the same name changes nothing.
 */
function createCache<T extends ObjectWithLabels>(): Cache<T> {
  let byName = new Map<string, T>();
  let synced = false;
  return {
    get synced() {
      return synced;
    },
    named: (name) => byName.get(name) ?? null,
    projectIds: () => [...byName.values()].flatMap((each) => idOf(each) ?? []),
    replace(objects) {
      byName = new Map(objects.map((each) => [each.metadata.name, each]));
      synced = true;
    },
    apply(type, object) {
      const { name, uid } = object.metadata;
      if (type !== 'DELETED') byName.set(name, object);
      else if (byName.get(name)?.metadata.uid === uid) byName.delete(name);
      return idOf(object);
    },
  };
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The project that the object names, if the name could be one: anybody may put labels on anything. */
function idOf(object: ObjectWithLabels): string | null {
  const id = object.metadata.labels[projectIdLabel] ?? '';
  return uuid.test(id) && object.metadata.name.includes(id) ? id : null;
}
