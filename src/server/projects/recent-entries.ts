/**
 * The newest entries of the status stream, from which a reconnecting subscriber resumes. It decides who may resume: a
 * subscriber that might miss an entry must read a snapshot instead.
 */

import type { Clock } from '../../shared/clock.ts';
import type { Project } from '../../shared/contract/project.ts';
import { compareStreamIds } from '../../shared/node/status-stream.ts';

export interface StreamedProject {
  id: string;
  project: Project;
}

export interface RecentEntries {
  append(entry: StreamedProject): void;
  /** Forgets everything. `startId`: from now on every entry after it is kept; `null`: nobody may resume yet. */
  restart(startId: string | null): void;
  /** The owner's entries after `id`, or `null` if one of them may be missing. `lastId` is the newest id of the stream. */
  after(ownerId: string, id: string, lastId: string): StreamedProject[] | null;
  /** The stream lost an entry of this owner: the owner must not resume from ids up to `lastId`. */
  recordLoss(ownerId: string, lastId: string): void;
  /** Forgets losses that no longer matter. */
  pruneLosses(): void;
}

/** @param deps.noResumeAfterLossMs after a loss the owner cannot resume for this long */
export function createRecentEntries(deps: {
  maxEntries: number;
  noResumeAfterLossMs: number;
  clock: Clock;
}): RecentEntries {
  const entries: StreamedProject[] = [];
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
    after(ownerId, id, lastId) {
      if (!/^\d{1,15}-\d{1,15}$/.test(id)) return null; // the id comes from a client
      const loss = losses.get(ownerId);
      if (loss && (deps.clock.monotonic() < loss.untilMs || compareStreamIds(id, loss.id) <= 0)) return null;
      if (startId === null || compareStreamIds(id, startId) < 0 || compareStreamIds(id, lastId) > 0) return null;
      return entries.filter((entry) => entry.project.ownerId === ownerId && compareStreamIds(entry.id, id) > 0);
    },
    recordLoss(ownerId, lastId) {
      losses.set(ownerId, { id: lastId, untilMs: deps.clock.monotonic() + deps.noResumeAfterLossMs });
    },
    pruneLosses() {
      for (const [ownerId, loss] of losses) {
        const isBeforeStart = startId !== null && compareStreamIds(loss.id, startId) < 0;
        if (isBeforeStart && deps.clock.monotonic() >= loss.untilMs) losses.delete(ownerId);
      }
    },
  };
}
