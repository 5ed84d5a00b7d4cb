/**
 * The one watch of an installation: list-watches of pods, claims and events with our label. It keeps them in caches and has
 * each changed project observed. Only the watch leader runs it. The resync finds what no event reported.
 */

import type { Clock } from '../../../shared/clock.ts';
import type { Database } from '../../../shared/node/db/database.ts';
import { findProjects } from '../../../shared/node/db/projects-repository.ts';
import type { RestoredData } from '../../../shared/node/db/restored-data.ts';
import { createLimitedWarn } from '../../../shared/node/log-limit.ts';
import type { Log } from '../../../shared/node/log.ts';
import type { WorkerMetrics } from '../../metrics.ts';
import type { Dispatcher } from '../jobs/dispatcher.ts';
import { kubernetesClaimSchema, type KubernetesClaim } from '../kube/kubernetes-claim.ts';
import type { KubernetesClient, WatchedResource } from '../kube/kubernetes-client.ts';
import { kubernetesEventSchema, type KubernetesEvent } from '../kube/kubernetes-event.ts';
import { kubernetesPodSchema, type KubernetesPod } from '../kube/kubernetes-pod.ts';
import { projectSelector } from '../kube/manifests.ts';
import type { UnreadableObject } from '../kube/unreadable-object.ts';
import type { StatusWriter } from '../status/status-writer.ts';
import { createAbsences } from './absences.ts';
import { createClusterCache, type ClusterCache } from './cluster-cache.ts';
import { createConnectionState, type ConnectionState } from './connection-state.ts';
import { createFallenGenerations } from './fallen-generations.ts';
import {
  createRelistRequests,
  listWatch,
  type ListWatchHandler,
  type ListWatchLimits,
  type RelistRequests,
} from './list-watch.ts';
import type { ObjectCache } from './object-cache.ts';
import { createOrphanReporter } from './orphan-reporter.ts';
import { projectIdInName, projectIdOf } from './project-id-of.ts';
import { createProjectObserver, type ProjectObserver } from './project-observer.ts';
import { createResync, type Resync } from './resync.ts';
import type { Leadership } from './watch-leader.ts';

export interface ClusterWatchDeps {
  db: Database;
  restoredData: Pick<RestoredData, 'check' | 'assume'>;
  kubernetes: Pick<KubernetesClient, 'open' | 'readPod' | 'readClaim' | 'deletePod'>;
  writer: StatusWriter;
  dispatcher: Pick<Dispatcher, 'dispatch'>;
  metrics: Pick<WorkerMetrics, 'corrected' | 'orphans' | 'watchActive' | 'passedOver'>;
  installationId: string;
  log: Log;
  clock: Clock;
  random: () => number;
  limits?: Partial<ListWatchLimits> | undefined;
  /** How often rows and caches are compared, without a request to Kubernetes. The default is 30 s. */
  resyncMs?: number | undefined;
  /** How long a pod must have been an orphan before it is deleted. The default is an hour. */
  orphanGraceMs?: number | undefined;
}

/** What the handlers of the list-watches act on. */
interface Parts {
  cache: ClusterCache;
  observer: ProjectObserver;
  resync: Resync;
  connection: ConnectionState;
  relists: RelistRequests;
  metrics: Pick<WorkerMetrics, 'watchActive'>;
  /** Counts an object that cannot be read, and logs it. */
  passOver: (resource: WatchedResource, object: UnreadableObject) => void;
}

type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';

const eventLimits = {
  /** Without the permission to read events, the reasons come from the pods alone. The list is tried again this often. */
  forbiddenMs: 60_000,
  // The API server has no watch cache for events, so it sends no bookmarks. The watch ends before it would count as silent, and
  // a new list comes before etcd has compacted the version of the last one (five minutes).
  watchMs: 60_000,
  relistMs: 240_000,
};
/** Events have no labels, so their names tell which of them are about our objects. */
const ourNames = { Pod: /^project-[0-9a-f-]{36}-/, PersistentVolumeClaim: /^workspace-[0-9a-f-]{36}$/ };

/** Watches until `signal` aborts, then resolves with nothing left running. */
export async function watchCluster(deps: ClusterWatchDeps, leadership: Leadership): Promise<void> {
  const { signal } = leadership;
  const parts = createParts(deps, leadership);
  const { cache, observer, resync, relists } = parts;
  const common = {
    kubernetes: deps.kubernetes,
    labelSelector: projectSelector,
    relists,
    log: deps.log,
    random: deps.random,
    signal,
    ...(deps.limits ? { limits: deps.limits } : {}),
  };
  await Promise.all([
    listWatch({
      ...common,
      resource: 'pods',
      schema: kubernetesPodSchema,
      handler: objectHandler(parts, { resource: 'pods', cache: cache.pods, isRelevant: () => true }),
    }),
    listWatch({
      ...common,
      resource: 'persistentvolumeclaims',
      schema: kubernetesClaimSchema,
      handler: objectHandler(parts, {
        resource: 'persistentvolumeclaims',
        cache: cache.claims,
        // A claim that appears or gets its volume is a step of the job that created it. The job continues by itself.
        isRelevant: (type) => type === 'DELETED',
      }),
    }),
    listWatch({
      ...common,
      resource: 'events',
      labelSelector: null,
      schema: kubernetesEventSchema,
      isRelevant: ({ involvedObject: { kind, name } }) => ourNames[kind as keyof typeof ourNames]?.test(name) ?? false, // any kind may come
      limits: { ...eventLimits, ...deps.limits },
      handler: eventHandler(parts),
    }),
    resync.run(signal),
  ]);
  await observer.stop();
}

function createParts(deps: ClusterWatchDeps, { lease, signal, onReachable }: Leadership): Parts {
  const { db, kubernetes, writer, dispatcher, metrics, installationId, log, clock } = deps;
  const cache = createClusterCache({ clock });
  const connection = createConnectionState(onReachable);
  const relists = createRelistRequests();
  const absences = createAbsences({
    cache,
    kubernetes,
    relist: () => relists.request(),
    log,
    monotonic: () => clock.monotonic(),
  });
  const fallenGenerations = createFallenGenerations({ db, restoredData: deps.restoredData, log });
  const observer = createProjectObserver({
    cache,
    absences,
    fallenGenerations,
    writer,
    dispatcher,
    metrics,
    lease,
    log,
    clock,
    signal,
  });
  const resync = createResync({
    db,
    cache,
    observer,
    orphans: createOrphanReporter({
      kubernetes,
      isKnown: async (projectId) => (await findProjects(db, [projectId])).length > 0,
      installationId,
      metrics,
      log,
      clock,
      graceMs: deps.orphanGraceMs,
    }),
    onCompared() {
      cache.events.prune(({ name }) => cache.objectNamed(name) !== null);
      connection.set('rows', true);
    },
    log,
    intervalMs: deps.resyncMs,
  });
  const warn = createLimitedWarn(log);
  function passOver(resource: WatchedResource, { name, problem }: UnreadableObject): void {
    metrics.passedOver(resource);
    warn(`${resource} ${name}`, { resource, name, problem }, 'an object cannot be read and is passed over');
  }
  return { cache, observer, resync, connection, relists, metrics, passOver };
}

/** @param options.isRelevant whether a change of this type requires an observation of the project */
function objectHandler<T extends KubernetesPod | KubernetesClaim>(
  { observer, resync, connection, metrics, passOver }: Parts,
  options: {
    resource: 'pods' | 'persistentvolumeclaims';
    cache: ObjectCache<T>;
    isRelevant: (type: ChangeType) => boolean;
  },
): ListWatchHandler<T> {
  const { resource, cache, isRelevant } = options;
  return {
    onList(objects, unreadable) {
      cache.replace(objects, unreadable);
      for (const object of unreadable) passOver(resource, object);
      // After a lost connection the rows may be outdated until they have been compared.
      if (!connection.is(resource)) connection.set('rows', false);
      resync.onListed();
      return Promise.resolve();
    },
    onChange(type, object) {
      const isNew = cache.apply(type, object);
      const projectId = projectIdOf(object);
      if (!isNew || projectId === null || !isRelevant(type)) return;
      resync.dismissCandidate(projectId);
      observer.dismissDrift(projectId);
      if (type === 'DELETED') observer.onDeleted(projectId);
      else observer.onChanged(projectId);
    },
    onUnreadable(type, object) {
      passOver(resource, object);
      if (type === 'DELETED') cache.forget(object.name);
      else cache.markUnreadable(object);
      const projectId = projectIdInName(object.name);
      if (projectId === null) return;
      if (type === 'DELETED') observer.onDeleted(projectId);
      else observer.onChanged(projectId);
    },
    onState({ connected }) {
      if (connected) metrics.watchActive(resource);
      connection.set(resource, connected);
    },
  };
}

function eventHandler({ cache, observer, resync, metrics, passOver }: Parts): ListWatchHandler<KubernetesEvent> {
  return {
    onList(events, unreadable) {
      cache.events.merge(events);
      for (const event of unreadable) passOver('events', event);
      resync.onListed();
      return Promise.resolve();
    },
    onChange(type, event) {
      if (type === 'DELETED' || !cache.events.add(event)) return;
      const object = cache.objectNamed(event.involvedObject.name);
      const projectId = object && projectIdOf(object);
      if (projectId !== null) observer.onEvent(projectId);
    },
    onUnreadable: (_type, event) => passOver('events', event),
    // Without events the messages are less precise, but the status is correct: their connection does not count.
    onState: ({ connected }) => connected && metrics.watchActive('events'),
  };
}
