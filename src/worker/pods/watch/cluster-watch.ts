/**
 * The one watch of an installation: pods and claims with our label and the events about them, held in memory, and every
 * change of them written to the row of its project. It decides nothing: where wanted and actual differ it has the project looked at. Run by the
 * holder of the lease alone; each of its writes names the lease's epoch, so one that was replaced while frozen writes
 * nothing. What no event told is found by the resync.
 */

import type { Database } from '../../../shared/node/db/database.ts';
import type { Lease } from '../../../shared/node/db/leases-repository.ts';
import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import { differs, findProjects } from '../../../shared/node/db/projects-repository.ts';
import type { Log } from '../../../shared/node/log.ts';
import type { WorkerMetrics } from '../../health.ts';
import { createWorkQueue } from '../../work-queue.ts';
import type { Dispatcher } from '../jobs/dispatcher.ts';
import { kubernetesClaimSchema, type KubernetesClaim } from '../kube/kubernetes-claim.ts';
import type { KubernetesClient } from '../kube/kubernetes-client.ts';
import { kubernetesEventSchema, type KubernetesEvent } from '../kube/kubernetes-event.ts';
import { kubernetesPodSchema, type KubernetesPod } from '../kube/kubernetes-pod.ts';
import { projectSelector } from '../kube/manifests.ts';
import { decide, type Actual } from '../reconcile/decide.ts';
import { derive, type ObservedState } from '../status/derive.ts';
import type { StatusWriter } from '../status/status-writer.ts';
import { createEventCache } from './event-cache.ts';
import { listWatch, type ListWatchHandler, type ListWatchLimits } from './list-watch.ts';
import { createObjectCache, type ObjectCache } from './object-cache.ts';
import { createOrphans, projectIdOf } from './orphans.ts';
import { createResync } from './resync.ts';
import { createWakeTimers } from './wake-timers.ts';

export interface ClusterWatchDeps {
  db: Database;
  kubernetes: Pick<KubernetesClient, 'open' | 'deletePod'>;
  writer: StatusWriter;
  dispatcher: Pick<Dispatcher, 'dispatch'>;
  metrics: Pick<WorkerMetrics, 'corrected' | 'orphans' | 'watchHeard'>;
  installationId: string;
  log: Log;
  now: () => Date;
  random: () => number;
  limits?: Partial<ListWatchLimits> | undefined;
  /** How often rows and caches are compared, without asking Kubernetes; 30 s unless told otherwise. */
  resyncMs?: number | undefined;
  /** How long a pod must have been unknown before it goes; an hour unless told otherwise. */
  orphanGraceMs?: number | undefined;
}

type LabelledObject = KubernetesPod | KubernetesClaim;

/** News of events come in heaps, and one look tells them all. */
const newsMs = 200;
/** Without the permission to read events the reasons are told from the pods alone; it is asked for again now and then. */
const forbiddenMs = 60_000;
/** Events have no labels, so they are ours by the names that we give. */
const ourNames = { Pod: /^project-[0-9a-f-]{36}-/, PersistentVolumeClaim: /^workspace-[0-9a-f-]{36}$/ };

/**
 * Watches until `signal` aborts, then resolves with nothing left running.
 * @param watch.onReachable told at every change between reaching the cluster and not
 */
export async function watchCluster(
  deps: ClusterWatchDeps,
  watch: { lease: Lease; signal: AbortSignal; onReachable: (reachable: boolean) => void },
): Promise<void> {
  const { db, writer, dispatcher, metrics, log, now } = deps;
  const { lease, signal } = watch;
  const pods = createObjectCache<KubernetesPod>();
  const claims = createObjectCache<KubernetesClaim>();
  const events = createEventCache<KubernetesEvent>({ now: () => performance.now() });
  /** `rows`: compared since the cluster was last out of sight, so that what people see is what is there. */
  const connected = { pods: false, claims: false, rows: false };
  let reachable: boolean | null = null;
  /** Projects of which an object has gone since they were last looked at. */
  const bereft = new Set<string>();
  const work = createWorkQueue({
    concurrency: 8,
    retryMs: 1_000,
    work: observe,
    onError: (projectId, error) => log.warn({ projectId, error: String(error) }, 'status not written; trying again'),
  });

  /**
   * Projects that something else than an event has called for. Events explain a pod and reveal none: where they lead to a pod
   * that is another one, or to a job that is missing, that is left to whoever is to find it.
   */
  const toLookAtWholly = new Set<string>();
  function lookWholly(projectId: string): void {
    toLookAtWholly.add(projectId);
    work.add(projectId);
  }
  /** For what time alone changes, such as a step that takes too long. */
  const rechecks = createWakeTimers({ now: () => now().getTime(), wake: lookWholly });
  const news = createWakeTimers({ now: () => performance.now(), wake: (projectId) => work.add(projectId) });

  const resync = createResync({
    db,
    pods,
    claims,
    isCurrent,
    work: { add: lookWholly, has: (projectId) => work.has(projectId) },
    orphans: createOrphans({
      kubernetes: deps.kubernetes,
      isKnown: async (projectId) => (await findProjects(db, [projectId])).length > 0,
      installationId: deps.installationId,
      metrics,
      log,
      now: () => performance.now(),
      graceMs: deps.orphanGraceMs,
    }),
    onCompared: () => {
      events.prune(({ name }) => pods.named(name) !== null || claims.named(name) !== null);
      onState('rows', true);
    },
    log,
    intervalMs: deps.resyncMs,
  });

  /** Writes what the caches say of a project, and has it looked at when that is not what its owner wants. */
  async function observe(projectId: string): Promise<void> {
    if (!pods.synced || !claims.synced || signal.aborted) return;
    const isCorrection = resync.takeConfirmedDrift(projectId);
    const isBereft = bereft.delete(projectId);
    const wordsOnly = !toLookAtWholly.delete(projectId);
    try {
      const fence = { lease: lease.name, epoch: lease.epoch };
      const observed = await writer.recordObservation(projectId, observedStateOf, fence, {
        corrects: isCorrection,
        wordsOnly,
      });
      if (!observed) return; // no project of this id, or no longer ours to write: the comparison tells the former
      const { record } = observed;
      recheck(record, observed.recheckAt);
      if (isCorrection && observed.correction !== 'message') metrics.corrected('status');
      if (wordsOnly) return;
      if ((!isObserved(record) && !isBereft) || isIdle(record, actualOf(record))) return;
      const queued = await dispatcher.dispatch(record);
      if (!isCorrection || queued !== 'added') return;
      metrics.corrected(record.status === 'archived' ? 'left-over' : 'drift');
      if (record.status !== 'archived') await writer.recordCorrection(projectId, driftMessage);
    } catch (error) {
      if (isBereft) bereft.add(projectId);
      if (!wordsOnly) toLookAtWholly.add(projectId);
      throw error;
    }
  }

  function actualOf(record: ProjectRecord): Actual {
    return { pod: pods.named(record.podName), claim: claims.named(record.workspacePvcName) };
  }

  function observedStateOf(record: ProjectRecord): ObservedState {
    const { pod, claim } = actualOf(record);
    // Of a pod that has gone the last events tell why.
    const podUid = pod?.metadata.uid ?? record.podUid;
    const ofPod = podUid === null ? [] : events.about({ uid: podUid, name: record.podName });
    const ofClaim = claim ? events.about({ uid: claim.metadata.uid, name: claim.metadata.name }) : [];
    return { pod, claim, events: [...ofPod, ...ofClaim] };
  }

  function isIdle(record: ProjectRecord, actual: Actual): boolean {
    if (record.failedGeneration === record.generation) return true;
    // Whatever comes next comes when it has gone, which is an event of its own; the claim may be seen leaving after it.
    if (actual.pod?.metadata.deletionTimestamp) return true;
    const effect = decide(record, actual, now().getTime());
    // Gone before the order was noted: only a job can note it and so settle the stop or the deletion.
    const goneUnrecorded = record.desiredState !== 'running' && record.observedGeneration < record.generation;
    return effect.kind === 'settled' ? !goneUnrecorded : effect.kind === 'wait' || effect.kind === 'conflict';
  }

  /** Nothing to write and nothing to do: most projects, most of the time. */
  function isCurrent(record: ProjectRecord): boolean {
    const observed = observedStateOf(record);
    const { patch, recheckAt } = derive(record, observed, now().toISOString());
    if ((isObserved(record) && !isIdle(record, observed)) || differs(record, patch)) return false;
    recheck(record, recheckAt); // of another owner's rows nothing else would tell us
    return true;
  }

  function recheck({ id }: ProjectRecord, at: string | null): void {
    rechecks.set(id, at === null ? null : Date.parse(at));
  }

  function onState(what: keyof typeof connected, state: boolean): void {
    connected[what] = state;
    const all = connected.pods && connected.claims && connected.rows;
    if (all === reachable) return;
    reachable = all;
    watch.onReachable(all);
  }

  const common = {
    kubernetes: deps.kubernetes,
    labelSelector: projectSelector,
    log,
    random: deps.random,
    signal,
    ...(deps.limits ? { limits: deps.limits } : {}),
  };
  await Promise.all([
    listWatch({
      ...common,
      resource: 'pods',
      schema: kubernetesPodSchema,
      handler: handlerOf('pods', pods, () => true),
    }),
    listWatch({
      ...common,
      resource: 'persistentvolumeclaims',
      schema: kubernetesClaimSchema,
      // A claim that appears or gets its volume is a step of the job that made it, which goes on by itself.
      handler: handlerOf('claims', claims, (type) => type === 'DELETED'),
    }),
    listWatch({
      ...common,
      resource: 'events',
      labelSelector: null,
      schema: kubernetesEventSchema,
      concerns: ({ involvedObject: { kind, name } }) => ourNames[kind as keyof typeof ourNames]?.test(name) ?? false, // a kind that we know, or none
      limits: { forbiddenMs, ...deps.limits },
      handler: {
        onList: (objects) => {
          events.replace(objects);
          resync.listed();
          return Promise.resolve();
        },
        onChange: (type, event) => {
          if (type === 'DELETED' || !events.add(event)) return;
          const { name } = event.involvedObject;
          const object = pods.named(name) ?? claims.named(name);
          const projectId = object ? projectIdOf(object) : null;
          if (projectId === null || news.has(projectId)) return;
          news.set(projectId, performance.now() + newsMs);
        },
        // Events make the words better; the status stands without them.
        onState: ({ connected: isHeard }) => isHeard && metrics.watchHeard('events'),
      },
    }),
    resync.run(signal),
  ]);
  rechecks.stop();
  news.stop();
  await work.stop();

  /** @param wakes whether an event of this type calls for a look at its project */
  function handlerOf<T extends LabelledObject>(
    name: 'pods' | 'claims',
    cache: ObjectCache<T>,
    wakes: (type: 'ADDED' | 'MODIFIED' | 'DELETED') => boolean,
  ): ListWatchHandler<T> {
    return {
      onList: (objects) => {
        cache.replace(objects);
        // After a time out of sight the rows are not believed before they have been compared.
        if (!connected[name]) connected.rows = false;
        resync.listed();
        return Promise.resolve();
      },
      onChange: (type, object) => {
        const isNews = cache.apply(type, object);
        const projectId = projectIdOf(object);
        if (!isNews || projectId === null || !wakes(type)) return;
        resync.dismissDrift(projectId);
        if (type === 'DELETED') bereft.add(projectId);
        lookWholly(projectId);
      },
      onState: (state) => {
        if (state.connected) metrics.watchHeard(name === 'pods' ? 'pods' : 'persistentvolumeclaims');
        onState(name, state.connected);
      },
    };
  }
}

/** Whether the cluster has been told the last wish; until then a job is on its way to do it, or the sweep sends one. */
function isObserved(record: ProjectRecord): boolean {
  return record.observedGeneration === record.generation;
}

const driftMessage =
  'A comparison with the cluster found something otherwise than it should be; it is being put right.';
