/**
 * Observes one project at a time: writes what the caches show to its row, and requests a reconcile when the cluster does
 * not match the desired state. It decides nothing else. Every write carries the epoch of the lease, so that a watch leader
 * that was replaced while it was frozen writes nothing.
 */

import { backOffMs } from '../../../shared/back-off.ts';
import type { Clock } from '../../../shared/clock.ts';
import type { Lease } from '../../../shared/node/db/leases-repository.ts';
import { outageOf } from '../../../shared/node/db/outage.ts';
import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import { createLimitedWarn } from '../../../shared/node/log-limit.ts';
import type { Log } from '../../../shared/node/log.ts';
import type { WorkerMetrics } from '../../metrics.ts';
import { createWorkQueue } from '../../work-queue.ts';
import type { Dispatcher } from '../jobs/dispatcher.ts';
import { KubernetesError } from '../kube/kubernetes-error.ts';
import { needsReconcile, needsReconcileByWatch } from '../reconcile/needs-reconcile.ts';
import type { ObservationResult, StatusWriter } from '../status/status-writer.ts';
import type { Absences } from './absences.ts';
import type { ClusterCache } from './cluster-cache.ts';
import { compareWithCluster, type Comparison } from './drift.ts';
import type { FallenGenerations } from './fallen-generations.ts';
import { createWakeTimers } from './wake-timers.ts';

export interface ProjectObserver {
  /** A Kubernetes event about the project's objects was received. Events are collected for a moment. */
  onEvent(projectId: string): void;
  /** A pod or claim has changed, or rows and caches were compared after a list. */
  onChanged(projectId: string): void;
  /** A pod or claim is gone. */
  onDeleted(projectId: string): void;
  /** The resync has confirmed drift, which counts as a correction. */
  onDrift(projectId: string): void;
  /** An event explains what would otherwise be drift. */
  dismissDrift(projectId: string): void;
  /** Whether the row says what the caches show and no reconcile is needed. If so, it schedules the next recheck. */
  agrees(record: ProjectRecord): boolean;
  /** Whether an observation of the project is queued or running. */
  isQueued(projectId: string): boolean;
  /** Drops what is queued and resolves when the running observations have ended. */
  stop(): Promise<void>;
}

export interface ProjectObserverDeps {
  cache: ClusterCache;
  absences: Absences;
  fallenGenerations: FallenGenerations;
  writer: StatusWriter;
  dispatcher: Pick<Dispatcher, 'dispatch'>;
  metrics: Pick<WorkerMetrics, 'corrected' | 'passedOver'>;
  lease: Lease;
  log: Log;
  clock: Clock;
  signal: AbortSignal;
}

/** Why a project is observed, from the weakest cause to the strongest. The strongest one that is queued counts. */
const causes = ['event', 'change', 'drift', 'deletion'] as const;
type Cause = (typeof causes)[number];

/** Kubernetes events come in bursts. One observation covers all of them. */
const collectEventsMs = 200;
/** After an outage of the database every project is tried again soon. */
const retryMs = 1_000;
const longestRetryMs = 30_000;
const driftMessage = 'A comparison with the cluster found a missing or wrong object. It is being repaired.';

export function createProjectObserver(deps: ProjectObserverDeps): ProjectObserver {
  const { cache, absences, fallenGenerations, writer, dispatcher, metrics, lease, log, clock, signal } = deps;
  const fence = { lease: lease.name, epoch: lease.epoch };
  const observedStateOf = (record: ProjectRecord) => {
    if (!absences.areProven(record)) throw new UnprovenAbsence(record);
    fallenGenerations.look(record, cache.pods.named(record.podName));
    return cache.observedStateOf(record);
  };
  const queuedCauses = new Map<string, Cause>();
  const warn = createLimitedWarn(log);
  const queue = createWorkQueue({
    concurrency: 8,
    work: observe,
    onError(projectId, error, failures) {
      const isOutage = isOfAll(error);
      warn(isOutage ? 'outage' : projectId, { projectId, error: String(error) }, 'status not written; trying again');
      // What the database or a bug refuses for one project does not change within seconds.
      return isOutage
        ? retryMs
        : backOffMs(failures, { firstMs: 2 * retryMs, longestMs: longestRetryMs, random: () => 0 });
    },
  });
  /** For statuses that time alone changes, such as a step that takes too long. */
  const rechecks = createWakeTimers({ wake: (projectId) => request(projectId, 'change') });
  const collectedEvents = createWakeTimers({ wake: (projectId) => request(projectId, 'event') });

  function request(projectId: string, cause: Cause): void {
    queuedCauses.set(projectId, strongest(cause, queuedCauses.get(projectId)));
    queue.add(projectId);
  }

  async function observe(projectId: string): Promise<void> {
    if (!cache.synced || signal.aborted) return;
    const cause = queuedCauses.get(projectId) ?? 'event';
    queuedCauses.delete(projectId);
    try {
      await withProof(() => observers[cause](projectId));
    } catch (error) {
      queuedCauses.set(projectId, strongest(cause, queuedCauses.get(projectId)));
      if (!isOfAll(error)) await recordProblem(projectId);
      throw error;
    }
  }

  /** Nothing is written before it is proven that the objects which the caches lack are gone. */
  async function withProof(write: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      try {
        return await write();
      } catch (error) {
        if (!(error instanceof UnprovenAbsence)) throw error;
        await absences.prove(error.record);
      }
    }
  }

  /** The observation failed for a reason of this project alone, such as a text that the database refuses. */
  async function recordProblem(projectId: string): Promise<void> {
    metrics.passedOver('projects');
    await writer
      .recordProblem(projectId, fence)
      .catch((error: unknown) =>
        log.debug({ projectId, error: String(error) }, 'the problem could not be written either'),
      );
  }

  const observers: Record<Cause, (projectId: string) => Promise<void>> = {
    async event(projectId) {
      scheduleRecheck(await writer.recordEvents(projectId, observedStateOf, fence));
    },
    async change(projectId) {
      const observed = scheduleRecheck(await writer.recordObservation(projectId, observedStateOf, fence));
      if (!observed) return;
      const { record } = observed;
      if (needsReconcileByWatch(record, cache.actualOf(record), clock.now())) await dispatcher.dispatch(record);
    },
    async deletion(projectId) {
      const observed = scheduleRecheck(await writer.recordObservation(projectId, observedStateOf, fence));
      if (!observed) return;
      const { record } = observed;
      // Also while a command is pending: its attempt may have ended in order to wait for this deletion.
      if (needsReconcile(record, cache.actualOf(record), clock.now())) await dispatcher.dispatch(record);
    },
    drift: repairDrift,
  };

  async function repairDrift(projectId: string): Promise<void> {
    const observed = scheduleRecheck(await writer.recordDrift(projectId, observedStateOf, fence));
    if (!observed) return;
    const { record, difference } = observed;
    if (difference !== 'message') metrics.corrected('status');
    if (!needsReconcileByWatch(record, cache.actualOf(record), clock.now())) return;
    if ((await dispatcher.dispatch(record)) !== 'added') return;
    if (record.status === 'archived') return metrics.corrected('left-over');
    metrics.corrected('drift');
    await writer.recordCorrection(projectId, driftMessage);
  }

  function scheduleRecheck(observed: ObservationResult | null): ObservationResult | null {
    if (observed) setRecheck(observed.record, observed.recheckAt);
    return observed;
  }

  /** A project that cannot be compared does not stop the comparison of all others: its observation reports the problem. */
  function compare(record: ProjectRecord): Comparison {
    fallenGenerations.look(record, cache.pods.named(record.podName));
    try {
      return compareWithCluster(record, cache.observedStateOf(record), clock.now());
    } catch {
      request(record.id, 'change');
      return { agrees: true, recheckAt: null };
    }
  }

  function setRecheck({ id }: ProjectRecord, at: string | null): void {
    rechecks.set(id, at === null ? null : Date.parse(at) - clock.now());
  }

  return {
    onEvent(projectId) {
      if (!collectedEvents.has(projectId)) collectedEvents.set(projectId, collectEventsMs);
    },
    onChanged: (projectId) => request(projectId, 'change'),
    onDeleted: (projectId) => request(projectId, 'deletion'),
    onDrift: (projectId) => request(projectId, 'drift'),
    dismissDrift(projectId) {
      if (queuedCauses.get(projectId) === 'drift') queuedCauses.set(projectId, 'change');
    },
    agrees(record) {
      const { agrees, recheckAt } = compare(record);
      // After a change of the watch leader nothing else schedules the rechecks of unchanged projects.
      if (agrees) setRecheck(record, recheckAt);
      return agrees;
    },
    isQueued: (projectId) => queue.has(projectId),
    async stop() {
      rechecks.stop();
      collectedEvents.stop();
      await queue.stop();
    },
  };
}

/** The caches lack an object of this row, and nothing proves that it is gone. */
class UnprovenAbsence extends Error {
  readonly record: ProjectRecord;
  constructor(record: ProjectRecord) {
    super('An object is missing from the last list and must be read.');
    this.record = record;
  }
}

/** The database or the cluster does not answer, so the project is not the reason. */
function isOfAll(error: unknown): boolean {
  return error instanceof KubernetesError || outageOf(error) !== null;
}

function strongest(a: Cause, b: Cause | undefined): Cause {
  return b !== undefined && causes.indexOf(b) > causes.indexOf(a) ? b : a;
}
