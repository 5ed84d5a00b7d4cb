/**
 * Runs the comparison of all rows with the caches of the watch, without a request to Kubernetes; `drift.ts` decides. It compares after each list, because
 * anything may have changed meanwhile, and at an interval, to find drift. Drift that is confirmed counts as a correction.
 */

import type { Database } from '../../../shared/node/db/database.ts';
import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import { findProjects, listUnarchivedPage } from '../../../shared/node/db/projects-repository.ts';
import { createLimitedWarn } from '../../../shared/node/log-limit.ts';
import type { Log } from '../../../shared/node/log.ts';
import { createPeriodic, pause } from '../../../shared/node/periodic.ts';
import type { ClusterCache } from './cluster-cache.ts';
import { classifyDrift } from './drift.ts';
import type { OrphanReporter } from './orphan-reporter.ts';
import { projectIdOf } from './project-id-of.ts';
import type { ProjectObserver } from './project-observer.ts';

export interface Resync {
  /** Runs until `signal` aborts. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
  /** The caches have received a list: compares immediately. */
  onListed(): void;
  /** An event explains why row and cluster disagree. */
  dismissCandidate(projectId: string): void;
}

export interface ResyncDeps {
  db: Database;
  cache: Pick<ClusterCache, 'pods' | 'claims' | 'synced'>;
  observer: Pick<ProjectObserver, 'agrees' | 'isQueued' | 'onChanged' | 'onDrift'>;
  orphans: OrphanReporter;
  /** Called after each complete comparison. */
  onCompared: () => void;
  log: Log;
  intervalMs?: number | undefined;
}

const pageSize = 500;
const defaultIntervalMs = 30_000;
/** After a comparison that failed, as when the database did not answer. */
const retryMs = 1_000;
/** A candidate is confirmed after this time: longer than an event, a job or the retry of a failed write needs. */
const confirmAfterMs = 2_500;

export function createResync(deps: ResyncDeps): Resync {
  const { db, cache, observer, log, intervalMs = defaultIntervalMs } = deps;
  let isListNew = false;
  /** The version of the row of each drift candidate, by project. */
  const candidates = new Map<string, number>();

  async function resync(signal: AbortSignal): Promise<void> {
    if (!cache.synced) return;
    if (isListNew) await compareAfterList();
    else await compareAtInterval();
    deps.onCompared();
    await confirmCandidates(signal);
  }

  /** Changes between the lists sent no events, so a difference is an ordinary change and not drift. */
  async function compareAfterList(): Promise<void> {
    isListNew = false;
    try {
      await compareAll((record) => {
        if (!observer.agrees(record)) observer.onChanged(record.id);
      });
    } catch (error) {
      isListNew = true;
      throw error;
    }
  }

  async function compareAtInterval(): Promise<void> {
    await compareAll((record) => {
      const isQueued = observer.isQueued(record.id);
      const drift = classifyDrift(record, { agrees: observer.agrees(record), candidateVersion: null, isQueued });
      if (drift === 'candidate') candidates.set(record.id, record.statusVersion);
    });
  }

  async function confirmCandidates(signal: AbortSignal): Promise<void> {
    if (candidates.size === 0) return;
    await pause(confirmAfterMs, signal);
    for await (const record of readProjects([...candidates.keys()])) {
      const candidateVersion = candidates.get(record.id) ?? null;
      if (candidateVersion === null) continue; // dismissed by an event
      const isQueued = observer.isQueued(record.id);
      const drift = classifyDrift(record, { agrees: observer.agrees(record), candidateVersion, isQueued });
      if (drift === 'confirmed') observer.onDrift(record.id);
    }
    candidates.clear();
  }

  /** Calls `compare` for every project that is not archived or has objects left, and reports the orphans. */
  async function compareAll(compare: (record: ProjectRecord) => void): Promise<void> {
    const objects = [...cache.pods.objects(), ...cache.claims.objects()];
    const unclaimed = new Set(objects.map(({ metadata }) => metadata.name));
    const visit = (record: ProjectRecord) => {
      unclaimed.delete(record.podName);
      unclaimed.delete(record.workspacePvcName);
      compare(record);
    };
    for await (const record of readUnarchived()) visit(record);
    // What remains belongs to archived projects, to projects that were created during the comparison, or to none.
    const isUnclaimed = ({ metadata }: { metadata: { name: string } }) => unclaimed.has(metadata.name);
    const ids = new Set(objects.filter(isUnclaimed).flatMap((object) => projectIdOf(object) ?? []));
    for await (const record of readProjects([...ids])) visit(record);
    await deps.orphans.report({
      pods: cache.pods.objects().filter(isUnclaimed),
      claims: cache.claims.objects().filter(isUnclaimed),
    });
  }

  async function* readUnarchived(): AsyncGenerator<ProjectRecord> {
    let afterSeq = 0;
    for (;;) {
      const page = await listUnarchivedPage(db, { afterSeq, limit: pageSize });
      yield* page;
      afterSeq = page.at(-1)?.seq ?? afterSeq;
      if (page.length < pageSize) return;
    }
  }

  async function* readProjects(ids: string[]): AsyncGenerator<ProjectRecord> {
    for (let from = 0; from < ids.length; from += pageSize) {
      yield* await findProjects(db, ids.slice(from, from + pageSize));
    }
  }

  const warn = createLimitedWarn(log);
  const periodic = createPeriodic({
    task: resync,
    intervalMs,
    retryMs,
    onError: (error) =>
      warn(String(error), { error: String(error) }, 'rows and cluster could not be compared; trying again'),
  });

  return {
    run: (signal) => periodic.run(signal),
    onListed() {
      isListNew = true;
      periodic.runNow();
    },
    dismissCandidate: (projectId) => void candidates.delete(projectId),
  };
}
