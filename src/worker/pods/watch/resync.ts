/**
 * Compares all rows with what the watch holds, without asking Kubernetes: after each list, for anything may have changed
 * meanwhile, and on a clock, for what no event ever told. What only the clock has found is a correction, and counted.
 */

import { setTimeout as delay } from 'node:timers/promises';

import type { Database } from '../../../shared/node/db/database.ts';
import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import { findProjects, listUnarchivedPage } from '../../../shared/node/db/projects-repository.ts';
import type { Log } from '../../../shared/node/log.ts';
import type { KubernetesClaim } from '../kube/kubernetes-claim.ts';
import type { KubernetesPod } from '../kube/kubernetes-pod.ts';
import type { ObjectCache } from './object-cache.ts';
import { projectIdOf, type Orphans } from './orphans.ts';

export interface Resync {
  /** Runs until `signal` aborts. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
  /** A list has come: compare at once. */
  listed(): void;
  /** An event explains why the project is otherwise than it was. */
  dismissDrift(projectId: string): void;
  /** Whether the look that follows is a correction. Answers once. */
  takeConfirmedDrift(projectId: string): boolean;
}

export interface ResyncDeps {
  db: Database;
  pods: ObjectCache<KubernetesPod>;
  claims: ObjectCache<KubernetesClaim>;
  /** Whether there is nothing to write and nothing to do for the project. */
  isCurrent: (record: ProjectRecord) => boolean;
  work: { add(projectId: string): void; has(projectId: string): boolean };
  orphans: Orphans;
  /** After each comparison that has seen everything. */
  onCompared: () => void;
  log: Log;
  intervalMs?: number | undefined;
}

const pageSize = 500;
const defaultIntervalMs = 30_000;
/** When the database did not answer. */
const compareAgainMs = 1_000;
/** Longer than any event is under way, than a job takes from its deed to its word, and than a write that failed waits. */
const suspicionMs = 2_500;

export function createResync(deps: ResyncDeps): Resync {
  const { db, pods, claims, isCurrent, work } = deps;
  let wake = new AbortController();
  let isListNew = false;
  /** What the clock has found to be otherwise than it should be, by the version of the row. */
  const driftCandidates = new Map<string, number>();
  /** Suspects that were the same a little later: nothing under way explains them. */
  const confirmedDrift = new Set<string>();

  /** Calls `look` for every project that should be looked at, and notes the objects that no row knows. */
  async function compare(look: (record: ProjectRecord) => void): Promise<void> {
    const objects = [...pods.objects(), ...claims.objects()];
    const others = new Set(objects.map(({ metadata }) => metadata.name));
    const visit = (record: ProjectRecord) => {
      others.delete(record.podName);
      others.delete(record.workspacePvcName);
      if (!isCurrent(record)) look(record);
    };
    let afterSeq = 0;
    for (;;) {
      const page = await listUnarchivedPage(db, { afterSeq, limit: pageSize });
      page.forEach(visit);
      afterSeq = page.at(-1)?.seq ?? afterSeq;
      if (page.length < pageSize) break;
    }
    // Left are the objects of archived projects, of projects younger than the pages, and of none.
    const isLeft = ({ metadata }: { metadata: { name: string } }) => others.has(metadata.name);
    const ids = new Set(objects.filter(isLeft).flatMap((object) => projectIdOf(object) ?? []));
    for await (const record of readProjects([...ids])) visit(record);
    await deps.orphans.note({ pods: pods.objects().filter(isLeft), claims: claims.objects().filter(isLeft) });
  }

  /** Has looked at what is still the same after a while: an event or a job under way would have changed it. */
  async function confirmDrift(signal: AbortSignal): Promise<void> {
    if (driftCandidates.size === 0) return;
    await delay(suspicionMs, undefined, { signal }).catch(() => undefined); // what follows is harmless after an abort
    for await (const record of readProjects([...driftCandidates.keys()])) {
      if (driftCandidates.get(record.id) !== record.statusVersion || work.has(record.id) || isCurrent(record)) continue;
      confirmedDrift.add(record.id);
      work.add(record.id);
    }
    driftCandidates.clear();
  }

  async function* readProjects(ids: string[]): AsyncGenerator<ProjectRecord> {
    for (let from = 0; from < ids.length; from += pageSize) {
      yield* await findProjects(db, ids.slice(from, from + pageSize));
    }
  }

  return {
    async run(signal) {
      while (!signal.aborted) {
        wake = new AbortController();
        let pauseMs = deps.intervalMs ?? defaultIntervalMs;
        try {
          if (pods.synced && claims.synced) {
            const isAfterList = isListNew;
            isListNew = false;
            await compare(({ id, statusVersion }) =>
              isAfterList ? work.add(id) : void driftCandidates.set(id, statusVersion),
            ).catch((error: unknown) => {
              isListNew ||= isAfterList;
              throw error;
            });
            deps.onCompared();
            await confirmDrift(signal);
          }
        } catch (error) {
          deps.log.warn({ error: String(error) }, 'rows and cluster could not be compared; trying again');
          pauseMs = compareAgainMs;
        }
        const woken = AbortSignal.any([signal, wake.signal]);
        await delay(pauseMs, undefined, { signal: woken }).catch(() => undefined); // the loop sees what has woken it
      }
    },
    listed() {
      isListNew = true;
      wake.abort();
    },
    dismissDrift(projectId) {
      driftCandidates.delete(projectId);
      confirmedDrift.delete(projectId);
    },
    takeConfirmedDrift: (projectId) => confirmedDrift.delete(projectId),
  };
}
