/**
 * The live tasks of one project: a snapshot, then each change. The stream only says that something has changed, and reading the
 * versions says what. So nothing is lost without the stream, only later.
 */

import type { Task, TaskEvent } from '../../shared/contract/tasks.ts';
import type { Database } from '../../shared/node/db/database.ts';
import { outageOf } from '../../shared/node/db/outage.ts';
import { findPermittedProject } from '../../shared/node/db/projects-repository.ts';
import { listTasks, readTaskVersions } from '../../shared/node/db/tasks-repository.ts';
import { createWakeUp } from '../../shared/node/wake-up.ts';
import { projectNotFound } from '../projects/service.ts';
import type { ProjectCaller, TaskSubscriptions } from '../services.ts';
import type { TaskHub } from './task-hub.ts';

/** Without the stream, changes are found after this time. The same holds for a role that was taken away. */
const compareMs = 4_000;
/** Many changes in a row are read together. */
const paceMs = 150;

export function createTaskSubscriptions(deps: {
  db: Database;
  hub: TaskHub;
  /** Resolves after this time, or at once when the signal aborts. Never rejects. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
}): TaskSubscriptions {
  const { db, hub, pause } = deps;

  return {
    async *subscribe(caller, { projectId, signal, whenWritable }) {
      const wakeUp = createWakeUp();
      const leave = hub.join(projectId, wakeUp.notify);
      let sent: Map<string, number> | null = null;
      try {
        while (!signal.aborted) {
          const events = await readEvents(db, { projectId, caller, sent });
          for (const event of events) {
            await whenWritable(signal);
            if (signal.aborted) return;
            sent = noteSent(sent, event);
            yield event;
          }
          await wakeUp.wait(compareMs, signal);
          await pause(paceMs, signal);
        }
      } finally {
        leave();
      }
    },
  };
}

/** An outage is waited for, because an error would end the subscription. */
async function readEvents(
  db: Database,
  { projectId, caller, sent }: { projectId: string; caller: ProjectCaller; sent: Map<string, number> | null },
): Promise<TaskEvent[]> {
  try {
    const project = await findPermittedProject(db, { id: projectId, userId: caller.user.id, right: caller.right });
    if (!project) throw projectNotFound();
    if (!sent) return [{ type: 'snapshot', tasks: await listTasks(db, projectId) }];
    const versions = await readTaskVersions(db, projectId);
    const changed = [...versions].filter(([id, version]) => version > (sent.get(id) ?? 0)).map(([id]) => id);
    const removed = [...sent.keys()].filter((id) => !versions.has(id));
    const tasks: Task[] = changed.length === 0 ? [] : await listTasks(db, projectId, changed);
    return [
      ...removed.map((taskId): TaskEvent => ({ type: 'removed', taskId })),
      ...tasks.map((task): TaskEvent => ({ type: 'changed', task })),
    ];
  } catch (error) {
    if (outageOf(error)) return [];
    throw error;
  }
}

function noteSent(sent: Map<string, number> | null, event: TaskEvent): Map<string, number> {
  if (event.type === 'snapshot' || !sent) {
    return new Map(event.type === 'snapshot' ? event.tasks.map(({ id, version }) => [id, version]) : []);
  }
  if (event.type === 'changed') sent.set(event.task.id, event.task.version);
  else sent.delete(event.taskId);
  return sent;
}
