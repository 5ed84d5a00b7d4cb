/**
 * The newest entries of the status stream, from which a reconnecting subscriber resumes. It decides who may resume: a
 * subscriber that might miss an entry must read a snapshot instead.
 */

import type { Clock } from '../../shared/clock.ts';
import type { Project, PublishedProject } from '../../shared/contract/project.ts';
import { audienceOf, projectFor } from '../../shared/node/project-access.ts';
import { compareStreamIds } from '../../shared/node/status-stream.ts';

interface PublishedEntry {
  id: string;
  project: PublishedProject;
}

/** An entry as one person may see it. */
export interface StreamedProject {
  id: string;
  project: Project;
}

interface RecentEntries {
  append(entry: PublishedEntry): void;
  /** Forgets everything. `startId`: from now on every entry after it is kept; `null`: nobody may resume yet. */
  restart(startId: string | null): void;
  /** The user's entries after `id`, or `null` if one of them may be missing. `lastId` is the newest id of the stream. */
  after(userId: string, id: string, lastId: string): StreamedProject[] | null;
  /** The stream lost an entry of this user: the user must not resume from ids up to `lastId`. */
  recordLoss(userId: string, lastId: string): void;
  /** Forgets losses that no longer matter. */
  pruneLosses(): void;
}

/** @param deps.noResumeAfterLossMs after a loss the user cannot resume for this long */
export function createRecentEntries(deps: {
  maxEntries: number;
  noResumeAfterLossMs: number;
  clock: Clock;
}): RecentEntries {
  const entries: PublishedEntry[] = [];
  /** Every entry after this id is kept; `null`: nobody may resume. */
  let startId: string | null = null;
  const losses = new Map<string, { id: string; untilMs: number }>();

  return {
    append(entry) {
      if (startId === null) startId = entry.id;
      else entries.push(entry);
      if (entries.length > deps.maxEntries) startId = entries.shift()?.id ?? startId;
    },
    restart(id) {
      entries.length = 0;
      startId = id;
    },
    after(userId, id, lastId) {
      if (!/^\d{1,15}-\d{1,15}$/.test(id)) return null; // the id comes from a client
      const loss = losses.get(userId);
      if (loss && (deps.clock.monotonic() < loss.untilMs || compareStreamIds(id, loss.id) <= 0)) return null;
      if (startId === null || compareStreamIds(id, startId) < 0 || compareStreamIds(id, lastId) > 0) return null;
      return entries
        .filter((entry) => compareStreamIds(entry.id, id) > 0 && audienceOf(entry.project).includes(userId))
        .map((entry) => ({ id: entry.id, project: projectFor(entry.project, userId) }));
    },
    recordLoss(userId, lastId) {
      losses.set(userId, { id: lastId, untilMs: deps.clock.monotonic() + deps.noResumeAfterLossMs });
    },
    pruneLosses() {
      for (const [userId, loss] of losses) {
        const isBeforeStart = startId !== null && compareStreamIds(loss.id, startId) < 0;
        if (isBeforeStart && deps.clock.monotonic() >= loss.untilMs) losses.delete(userId);
      }
    },
  };
}
