/** The metrics of the worker, for Prometheus. Their names are documented in docs/operations and must not change. */

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

import { systemClock, type Clock } from '../shared/clock.ts';
import type { StartStepName } from '../shared/contract/diagnosis.ts';
import type { WatchedResource } from './pods/kube/kubernetes-client.ts';

/**
 * What the sweep or the resync corrected. `lost-job`: a pending command without a job. `drift`: missing or wrong objects
 * without a job. `status`: a row that did not say what the cluster shows. `left-over`: an object of a deleted project.
 * `unknown-pod`: a pod of this installation that had belonged to no project for an hour. `lost-run`: a run without a job.
 */
export type Correction = 'lost-job' | 'drift' | 'status' | 'left-over' | 'unknown-pod' | 'lost-run';
const corrections: readonly Correction[] = ['lost-job', 'drift', 'status', 'left-over', 'unknown-pod', 'lost-run'];

export interface WorkerMetrics {
  registry: Registry;
  /** Counts a correction. There is none as long as queue and watch lose nothing. */
  corrected(kind: Correction, count?: number): void;
  /** One object or project was passed over, because it could not be read or written. */
  passedOver(what: WatchedResource | 'projects'): void;
  /** The number of objects with our label that belong to no project. */
  orphans(counts: { pods: number; claims: number }): void;
  /**
   * An attempt has ended. `name`: the name of the job, or `without-queue` for one without the queue. `retry`: another attempt
   * follows. `failed`: no attempt follows.
   */
  jobEnded(name: string, outcome: 'done' | 'retry' | 'failed'): void;
  /** Whether this worker is the watch leader and reaches the cluster. */
  watchState(state: { leader: boolean; reachable: boolean }): void;
  /** The watch of this resource has just received something. */
  watchActive(resource: WatchedResource): void;
  /** Reports how many runs this worker follows whenever metrics are read. */
  followedRuns(count: () => number): void;
  /** A project has become ready. `times`: how long each step of its start took, in milliseconds. */
  started(times: Partial<Record<StartStepName | 'total', number>>): void;
}

/** In seconds: from a pod whose images are on the node to a pod whose images come over a slow network. */
const startBuckets = [0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800];

/** Each worker has a registry of its own, so that several workers can run in one process. */
export function createWorkerMetrics(clock: Clock = systemClock): WorkerMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const jobs = new Counter({
    name: 'opencode_jobs_total',
    help: 'Attempts that have ended, by job name and outcome.',
    labelNames: ['name', 'outcome'] as const,
    registers,
  });
  const corrected = new Counter({
    name: 'opencode_resync_corrections_total',
    help: 'Corrections by the sweep and the resync, by kind. Zero is healthy.',
    labelNames: ['kind'] as const,
    registers,
  });
  for (const kind of corrections) corrected.inc({ kind }, 0);
  const passedOver = new Counter({
    name: 'opencode_passed_over_total',
    help: 'Objects that could not be read, and observations of projects that could not be written. Zero is healthy.',
    labelNames: ['what'] as const,
    registers,
  });
  for (const what of ['pods', 'persistentvolumeclaims', 'events', 'projects']) passedOver.inc({ what }, 0);
  const orphans = new Gauge({
    name: 'opencode_unknown_objects',
    help: 'Objects with our label that belong to no project, by resource. An administrator should check them.',
    labelNames: ['resource'] as const,
    registers,
  });
  const starts = new Histogram({
    name: 'opencode_start_seconds',
    help: 'Duration of starts until every container was ready, by step. `total` is the whole start.',
    labelNames: ['step'] as const,
    buckets: startBuckets,
    registers,
  });
  let followedRuns: (() => number) | null = null;
  const runs: Gauge = new Gauge({
    name: 'opencode_runs_followed',
    help: 'Agent runs that this worker follows.',
    registers,
    collect(): void {
      runs.set(followedRuns?.() ?? 0);
    },
  });
  return {
    registry,
    ...createWatchMetrics(registers, clock),
    corrected: (kind, count = 1) => corrected.inc({ kind }, count),
    passedOver: (what) => passedOver.inc({ what }),
    orphans({ pods, claims }) {
      orphans.set({ resource: 'pods' }, pods);
      orphans.set({ resource: 'persistentvolumeclaims' }, claims);
    },
    jobEnded: (name, outcome) => jobs.inc({ name, outcome }),
    followedRuns(count) {
      followedRuns = count;
    },
    started(times) {
      for (const [step, ms] of Object.entries(times)) starts.observe({ step }, ms / 1_000);
    },
  };
}

function createWatchMetrics(registers: Registry[], clock: Clock): Pick<WorkerMetrics, 'watchState' | 'watchActive'> {
  const leader = new Gauge({
    name: 'opencode_watch_owner',
    help: '1 while this worker is the watch leader.',
    registers,
  });
  const connected = new Gauge({
    name: 'opencode_watch_connected',
    help: '1 while this worker is the watch leader and the cluster answers it.',
    registers,
  });
  const activeAt = new Map<WatchedResource, number>();
  const watchAge = new Gauge({
    name: 'opencode_watch_age_seconds',
    help: 'Seconds since the watch of this resource last received anything. Only the watch leader reports it.',
    labelNames: ['resource'] as const,
    registers,
    collect() {
      for (const [resource, at] of activeAt) watchAge.set({ resource }, (clock.monotonic() - at) / 1_000);
    },
  });
  return {
    watchState(state) {
      leader.set(state.leader ? 1 : 0);
      connected.set(state.leader && state.reachable ? 1 : 0);
      if (state.leader) return;
      activeAt.clear();
      watchAge.reset();
    },
    watchActive: (resource) => void activeAt.set(resource, clock.monotonic()),
  };
}
