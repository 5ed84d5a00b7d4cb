/** Live status as an async iterator: every project as it is now, then each change, across lost connections. */

import type { Project } from '../contract/project.ts';
import { createLiveFeed, type SubscriptionHandlers } from './live-feed.ts';
import { isTransient, readAppError } from './read-app-error.ts';

export interface WatchDeps {
  /** Opens `projects.onChange`; the socket below reconnects and resumes by itself. */
  subscribe(input: { projectId?: string }, handlers: SubscriptionHandlers): { unsubscribe(): void };
  getProject(id: string): Promise<Project>;
  /** How long to wait after this many failed attempts (from 1), in milliseconds. */
  delayMs: (failedAttempts: number) => number;
}

/**
 * Yields a project whenever it differs from what was yielded before. If a project changes faster than the caller reads,
 * only its latest state is yielded. A deleted project is yielded once more, as `archived`, and so is one that is not shared with the
 * caller any more, with the role `none`. Ends when the signal aborts.
 * @throws AppError when trying again is useless: NOT_FOUND, UNAUTHENTICATED
 */
export async function* watchProjects(
  deps: WatchDeps,
  { projectId, signal }: { projectId: string | undefined; signal: AbortSignal },
): AsyncGenerator<Project, void, undefined> {
  /** The newest state of each project that was not yielded yet, in the order of the changes. */
  const waiting = new Map<string, Project>();
  /** Projects that a snapshot lacks. What became of them must be requested one by one. */
  const missing = new Set<string>();
  const failures: unknown[] = [];
  const wakeUp = createWakeUp(signal);
  let failedRequests = 0;

  const feed = createLiveFeed({
    subscribe: (handlers) => deps.subscribe(projectId === undefined ? {} : { projectId }, handlers),
    delayMs: deps.delayMs,
    isPermanent: (error) => !isTransient(error),
    onUpdate(update) {
      for (const id of update.missing) missing.add(id);
      for (const project of update.newer) {
        waiting.delete(project.id);
        waiting.set(project.id, project);
      }
      wakeUp.notify();
    },
    onFailed(error) {
      failures.push(error);
      wakeUp.notify();
    },
  });

  async function requestMissing(id: string): Promise<void> {
    missing.delete(id);
    try {
      feed.accept(await deps.getProject(id));
      failedRequests = 0;
    } catch (error) {
      if (readAppError(error)?.code === 'NOT_FOUND') return;
      if (!isTransient(error)) throw error;
      missing.add(id);
      failedRequests += 1;
      await wakeUp.wait(deps.delayMs(failedRequests));
    }
  }

  if (signal.aborted) return;
  feed.start();
  try {
    while (!signal.aborted) {
      const [next] = waiting.values();
      const [missingId] = missing;
      if (next) {
        waiting.delete(next.id);
        yield next;
      } else if (failures.length > 0) {
        throw failures[0];
      } else if (missingId !== undefined) {
        await requestMissing(missingId);
      } else {
        await wakeUp.wait();
      }
    }
  } catch (error) {
    throw readAppError(error) ?? error;
  } finally {
    feed.stop();
  }
}

interface WakeUp {
  notify(): void;
  /** Resolves with the next `notify`, when the signal aborts, or after `limitMs`. */
  wait(limitMs?: number): Promise<void>;
}

function createWakeUp(signal: AbortSignal): WakeUp {
  let wake: (() => void) | null = null;
  return {
    notify: () => wake?.(),
    wait: (limitMs) =>
      new Promise((resolve) => {
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
      }),
  };
}
