/** What waits for one subscriber: the latest of each project alone, so that a slow reader costs no memory. */

import type { Freshness } from '../../shared/contract/events.ts';
import type { Project } from '../../shared/contract/project.ts';
import type { HubSubscriber } from './status-hub.ts';

export type BufferedEvent =
  | { type: 'gap'; id: string }
  | { type: 'project'; id: string; project: Project }
  | { type: 'freshness'; id: string; freshness: Freshness };

export interface SendBuffer extends HubSubscriber {
  /** The next piece, in the order of ids; `null` when there is none now. A gap goes before everything. */
  take(): BufferedEvent | null;
  /** Resolves when there is something to take, or `signal` aborts. */
  arrival(): Promise<void>;
}

/** @param projectId takes only this project; `null`: all of them */
export function createSendBuffer({ projectId, signal }: { projectId: string | null; signal: AbortSignal }): SendBuffer {
  const projects = new Map<string, { id: string; project: Project }>();
  let freshness: { id: string; freshness: Freshness } | null = null;
  let gap: string | null = null;
  let wake: (() => void) | null = null;

  const notify = () => {
    wake?.();
    wake = null;
  };
  signal.addEventListener('abort', notify, { once: true });
  const isEmpty = () => gap === null && freshness === null && projects.size === 0;

  return {
    onProject(id, project) {
      if (projectId !== null && project.id !== projectId) return;
      const waiting = projects.get(project.id);
      if (waiting && waiting.project.statusVersion >= project.statusVersion) return;
      projects.delete(project.id); // to the end: whoever resumes from an earlier id must still be sent this one
      projects.set(project.id, { id, project });
      notify();
    },
    onFreshness(id, next) {
      freshness = { id, freshness: next };
      notify();
    },
    onGap(id) {
      gap = id;
      notify();
    },
    take() {
      if (gap !== null) {
        const id = gap;
        gap = null;
        return { type: 'gap', id };
      }
      for (const [key, event] of projects) {
        projects.delete(key);
        return { type: 'project', ...event };
      }
      if (freshness) {
        const event = freshness;
        freshness = null;
        return { type: 'freshness', ...event };
      }
      return null;
    },
    arrival() {
      if (!isEmpty() || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        wake = resolve;
      });
    },
  };
}
