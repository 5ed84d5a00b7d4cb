/** The send buffer of one subscriber: it keeps only the latest event of each project, so a slow reader costs no memory. */

import type { Freshness } from '../../shared/contract/events.ts';
import type { Project } from '../../shared/contract/project.ts';
import type { HubSubscriber } from './status-hub.ts';

export type BufferedEvent =
  | { type: 'reset'; id: string }
  | { type: 'project'; id: string; project: Project }
  | { type: 'freshness'; id: string; freshness: Freshness };

export interface SendBuffer extends HubSubscriber {
  /** Removes and returns the next event, in the order of ids, or `null`. A reset comes before everything else. */
  take(): BufferedEvent | null;
  /** Resolves when there is an event to take, or when `signal` aborts. */
  waitForEvent(): Promise<void>;
}

/** @param projectId buffers only the events of this project; `null`: of all projects */
export function createSendBuffer({ projectId, signal }: { projectId: string | null; signal: AbortSignal }): SendBuffer {
  const projects = new Map<string, { id: string; project: Project }>();
  let freshness: { id: string; freshness: Freshness } | null = null;
  let resetId: string | null = null;
  let wake: (() => void) | null = null;

  const notify = () => {
    wake?.();
    wake = null;
  };
  signal.addEventListener('abort', notify, { once: true });
  const isEmpty = () => resetId === null && freshness === null && projects.size === 0;

  return {
    onProject(id, project) {
      if (projectId !== null && project.id !== projectId) return;
      const waiting = projects.get(project.id);
      if (waiting && waiting.project.statusVersion >= project.statusVersion) return;
      // Moves to the end: a subscriber that resumes after an earlier id must still receive this event.
      projects.delete(project.id);
      projects.set(project.id, { id, project });
      notify();
    },
    onFreshness(id, next) {
      freshness = { id, freshness: next };
      notify();
    },
    onReset(id) {
      resetId = id;
      notify();
    },
    take() {
      if (resetId !== null) {
        const id = resetId;
        resetId = null;
        return { type: 'reset', id };
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
    waitForEvent() {
      if (!isEmpty() || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        wake = resolve;
      });
    },
  };
}
