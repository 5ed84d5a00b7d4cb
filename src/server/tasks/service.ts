/** What people may do with the tasks of a project. The caller and the right of the procedure are part of each key. */

import { AppError } from '../../shared/contract/errors.ts';
import type { Database } from '../../shared/node/db/database.ts';
import type { ProjectRecord } from '../../shared/node/db/project-record.ts';
import { findPermittedProject } from '../../shared/node/db/projects-repository.ts';
import {
  deleteTask,
  findPermittedTask,
  insertTask,
  listTasks,
  moveTask,
  updateTask,
} from '../../shared/node/db/tasks-repository.ts';
import type { StatusPublisher } from '../../shared/node/status-stream.ts';
import { maxTasksPerProject } from '../limits.ts';
import { projectNotFound } from '../projects/service.ts';
import type { ProjectCaller, TaskService } from '../services.ts';

/** The same error for a task of another owner and for a task that does not exist. */
export function taskNotFound(): AppError {
  return new AppError(
    'NOT_FOUND',
    'You have no task with this id. It may have been deleted, or belong to somebody else.',
  );
}

/** @throws AppError ILLEGAL_STATE when the project was deleted, or is in the trash */
export function refuseDeleted(project: Pick<ProjectRecord, 'desiredState' | 'trashedAt'>): void {
  if (project.desiredState !== 'deleted') {
    if (project.trashedAt === null) return;
    throw new AppError(
      'ILLEGAL_STATE',
      'The project is in the trash, so its tasks cannot be changed. Restore it first.',
    );
  }
  throw new AppError('ILLEGAL_STATE', 'The project was deleted, so its tasks cannot be changed. Create a new project.');
}

const keyOf = ({ user, right }: ProjectCaller, id: string) => ({ id, userId: user.id, right });

export function createTaskService(deps: {
  db: Database;
  publisher: StatusPublisher;
  newId: () => string;
}): TaskService {
  const { db, publisher } = deps;

  async function findProject(caller: ProjectCaller, id: string): Promise<ProjectRecord> {
    const project = await findPermittedProject(db, keyOf(caller, id));
    if (!project) throw projectNotFound();
    return project;
  }

  /** Subscriptions also find changes by themselves, a little later. */
  async function announced<T extends { projectId: string }>(change: Promise<T | null>): Promise<T> {
    const result = await change;
    if (!result) throw taskNotFound();
    await publisher.publish({ type: 'tasks', projectId: result.projectId });
    return result;
  }

  return {
    async create(caller, { idempotencyKey = null, ...task }) {
      refuseDeleted(await findProject(caller, task.projectId));
      const insert = { ...task, id: deps.newId(), idempotencyKey };
      const inserted = db.transaction((trx) => insertTask(trx, insert, { maxTasks: maxTasksPerProject }));
      return await announced(inserted.then((result) => result.task));
    },
    async get(caller, id) {
      const task = await findPermittedTask(db, keyOf(caller, id));
      if (!task) throw taskNotFound();
      return task;
    },
    async list(caller, projectId) {
      const project = await findProject(caller, projectId);
      return { items: await listTasks(db, project.id) };
    },
    update: (caller, { id, ...patch }) => announced(updateTask(db, keyOf(caller, id), definedOf(patch))),
    move: (caller, { id, ...place }) => announced(moveTask(db, keyOf(caller, id), place)),
    async delete(caller, id) {
      const deleted = await announced(deleteTask(db, keyOf(caller, id)));
      return { id: deleted.id };
    },
  };
}

/** Without the fields that are not given. */
function definedOf<T extends object>(patch: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  }; // only undefined values were removed
}
