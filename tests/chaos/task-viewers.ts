/** Open Tasks tabs: each watches the tasks of one project as the user interface does, for I4. */

import { emptyTaskList, withTaskEvent, type TaskListState } from '../../src/client/tasks/task-list.ts';
import { waitUntil } from '../../src/embedded/process/wait-until.ts';
import { readAppError, type Client } from '../../src/shared/sdk/client.ts';
import type { Violations } from './violations.ts';

export interface TaskViewers {
  /** Opens a tab, unless the project has one, or there are many. */
  watch(client: Client, projectId: string): void;
  /** Every tab shows what the database says. */
  check(readVersions: (projectId: string) => Promise<Map<string, number> | null>): Promise<void>;
  count(): number;
  close(): void;
}

const maxTabs = 12;
/** Servers look for restores every eight seconds, and compare the versions of tasks every five. */
const viewLimitMs = 15_000;

export function createTaskViewers({ violations }: { violations: Violations }): TaskViewers {
  const tabs = new Map<string, TaskListState>();
  const closing = new AbortController();

  async function follow(client: Client, projectId: string): Promise<void> {
    try {
      for await (const event of client.tasks.watch(projectId, { signal: closing.signal })) {
        const before = tabs.get(projectId) ?? emptyTaskList;
        const after = withTaskEvent(before, event);
        for (const { id, version } of after.tasks) {
          const shown = before.tasks.find((task) => task.id === id)?.version ?? 0;
          if (version < shown) {
            violations.report('I4', projectId, `the Tasks tab went from version ${shown} to ${version} of task ${id}`);
          }
        }
        tabs.set(projectId, after);
      }
    } catch (error) {
      tabs.delete(projectId);
      // The project was lost by a restore.
      if (closing.signal.aborted || readAppError(error)?.code === 'NOT_FOUND') return;
      violations.report('I4', projectId, `the Tasks tab failed: ${String(error)}`);
    }
  }

  return {
    watch(client, projectId) {
      if (tabs.has(projectId) || tabs.size >= maxTabs) return;
      tabs.set(projectId, emptyTaskList);
      void follow(client, projectId);
    },
    async check(readVersions) {
      let stale: { projectId: string; text: string }[] = [];
      await waitUntil(
        async () => {
          stale = [];
          for (const [projectId, { tasks }] of tabs) {
            const versions = await readVersions(projectId);
            if (!versions) continue;
            const shown = JSON.stringify(sorted(new Map(tasks.map(({ id, version }) => [id, version]))));
            const stored = JSON.stringify(sorted(versions));
            if (shown !== stored)
              stale.push({ projectId, text: `the Tasks tab shows ${shown}; the database says ${stored}` });
          }
          return stale.length === 0 ? true : undefined;
        },
        { timeoutMs: viewLimitMs, intervalMs: 200 },
      );
      for (const { projectId, text } of stale) violations.report('I4', projectId, text);
    },
    count: () => tabs.size,
    close: () => closing.abort(),
  };
}

const sorted = (versions: Map<string, number>) => [...versions].toSorted(([a], [b]) => (a < b ? -1 : 1));
