/** Live status as an async iterator: every project as it is, then as it becomes, across every loss of the connection. */

import type { ProjectEvent } from '../contract/events.ts';
import type { Project } from '../contract/project.ts';
import { isPassing, readAppError } from './read-app-error.ts';

export interface SubscriptionHandlers {
  onData: (event: ProjectEvent) => void;
  onError: (error: unknown) => void;
  /** The server has ended the subscription. */
  onComplete: () => void;
}

export interface WatchDeps {
  /** Opens `projects.onChange`; the socket under it reconnects and resumes by itself. */
  subscribe(input: { projectId?: string }, handlers: SubscriptionHandlers): { unsubscribe(): void };
  getProject(id: string): Promise<Project>;
  /** How long to wait before attempt number `attempt` (from 0), in milliseconds. */
  delayMs(attempt: number): number;
}

/**
 * Yields a project whenever it differs from what was yielded before; of a project that changes faster than it is taken,
 * the latest state alone. A deleted project comes once more, as `archived`. Ends when the signal aborts.
 * @throws AppError when trying again is of no use: NOT_FOUND, UNAUTHENTICATED
 */
export async function* watchProjects(
  deps: WatchDeps,
  { projectId, signal }: { projectId: string | undefined; signal: AbortSignal },
): AsyncGenerator<Project, void, undefined> {
  /** The newest version of each project that was yielded or waits to be and whether that was the last. */
  const held = new Map<string, { version: number; archived: boolean }>();
  const waiting = new Map<string, Project>();
  /** Gone from a snapshot: what has become of them must be asked for. */
  const vanished = new Set<string>();
  let failure: { error: unknown } | null = null;
  let isOpen = false;
  let attempt = 0;
  let wake: (() => void) | null = null;

  function offer(project: Project): void {
    attempt = 0;
    if ((held.get(project.id)?.version ?? 0) >= project.statusVersion) return;
    held.set(project.id, { version: project.statusVersion, archived: project.status === 'archived' });
    waiting.delete(project.id);
    waiting.set(project.id, project);
  }

  function take(event: ProjectEvent): void {
    switch (event.type) {
      case 'snapshot': {
        const shown = new Set(event.projects.map((project) => project.id));
        for (const [id, { archived }] of held) if (!archived && !shown.has(id)) vanished.add(id);
        for (const project of event.projects) offer(project);
        break;
      }
      case 'changed':
      case 'removed':
        offer(event.project);
        break;
      case 'freshness':
      case 'reset':
        break; // of no interest here: a snapshot follows a reset
    }
    wake?.();
  }

  function open(): { unsubscribe(): void } {
    isOpen = true;
    const end = (error: unknown) => {
      isOpen = false;
      if (error !== undefined && !isPassing(error)) failure = { error };
      wake?.();
    };
    return deps.subscribe(projectId === undefined ? {} : { projectId }, {
      onData: take,
      onError: end,
      onComplete: () => end(undefined),
    });
  }

  /** Until something arrives, the signal aborts, or the time is over. */
  function arrival(limitMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = limitMs === undefined ? undefined : setTimeout(done, limitMs);
      function done() {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        wake = null;
        resolve();
      }
      signal.addEventListener('abort', done, { once: true });
      wake = done;
      if (signal.aborted) done();
    });
  }

  async function resolveVanished(id: string): Promise<void> {
    vanished.delete(id);
    try {
      offer(await deps.getProject(id));
    } catch (error) {
      if (readAppError(error)?.code === 'NOT_FOUND') return; // nothing more will ever be known of it
      if (!isPassing(error)) throw readAppError(error) ?? error;
      vanished.add(id);
      await arrival(deps.delayMs(attempt++));
    }
  }

  if (signal.aborted) return;
  let subscription = open();
  try {
    while (!signal.aborted) {
      const [next] = waiting.values();
      const [lost] = vanished;
      if (next) {
        waiting.delete(next.id);
        yield next;
      } else if (failure) {
        const { error } = failure as { error: unknown }; // set by a callback, which the compiler does not follow
        throw readAppError(error) ?? error;
      } else if (lost !== undefined) {
        await resolveVanished(lost);
      } else if (isOpen) {
        await arrival();
      } else {
        await arrival(deps.delayMs(attempt++));
        if (!signal.aborted) subscription = open();
      }
    }
  } finally {
    subscription.unsubscribe();
  }
}
