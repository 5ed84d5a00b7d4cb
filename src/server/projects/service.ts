/**
 * What the owner of projects may do. Every function works within the caller's own projects, by construction: the owner
 * is part of each key. A wish is committed to PostgreSQL with its line of the timeline; then readers are told and a job
 * is queued, both as well as Redis allows, for the row is the truth and Kubernetes is never waited for.
 */

import type { ActivityKind } from '../../shared/contract/activity.ts';
import { isObserved, type ProjectCommand } from '../../shared/contract/commands.ts';
import { AppError } from '../../shared/contract/errors.ts';
import { projectJobNameFor } from '../../shared/contract/jobs.ts';
import type { UpdateProjectInput } from '../../shared/contract/project.ts';
import { projectCan } from '../../shared/contract/states.ts';
import { activityOfCommand, applyCommand } from '../../shared/node/apply-command.ts';
import type { Database } from '../../shared/node/db/database.ts';
import { appendProjectEvent, listProjectEvents } from '../../shared/node/db/project-events-repository.ts';
import { toProject, type ProjectRecord } from '../../shared/node/db/project-record.ts';
import {
  changeOwnedProject,
  findOwnedProject,
  insertProject,
  listProjects,
  type ProjectPatch,
} from '../../shared/node/db/projects-repository.ts';
import type { ProjectQueue } from '../../shared/node/project-queue.ts';
import type { StatusPublisher } from '../../shared/node/status-stream.ts';
import type { Caller, ProjectService } from '../services.ts';
import { decodeActivityCursor, decodeCursor, encodeCursor } from './cursor.ts';
import { createUsualStart } from './usual-start.ts';

const activityPageSize = 50;
/** How long an answer may wait for Redis to take what was committed already. */
const announceMs = 500;

export interface ProjectServiceDeps {
  db: Database;
  queue: Pick<ProjectQueue, 'enqueue'>;
  publisher: StatusPublisher;
  settings: { kubeNamespace: string; maxProjects: number };
  newId: () => string;
  newNames: (projectId: string) => { podName: string; workspacePvcName: string };
}

/** The sentence for a project that the caller does not have: another's and none look the same. */
export function projectNotFound(): AppError {
  return new AppError(
    'NOT_FOUND',
    'You have no project with this id. It may have been deleted, or belong to somebody else.',
  );
}

export function createProjectService({
  db,
  queue,
  publisher,
  settings,
  newId,
  newNames,
}: ProjectServiceDeps): ProjectService {
  const usualStart = createUsualStart({ db, now: () => performance.now() });

  /** Tells the readers and the worker of what is committed. Never fails, never waits long. */
  async function announce(caller: Caller, record: ProjectRecord, { needsJob }: { needsJob: boolean }): Promise<void> {
    const published = publisher.publish({ type: 'project', project: toProject(record) });
    const job = { projectId: record.id, requestId: caller.requestId };
    const queued = needsJob ? queue.enqueue(projectJobNameFor(record.desiredState), job) : null;
    await Promise.race([Promise.all([published, queued]), timeLimit(announceMs)]);
  }

  async function change(
    caller: Caller,
    id: string,
    what: { needsJob: boolean; decide: (record: ProjectRecord) => ProjectPatch | null },
    activity: { kind: ActivityKind; message: string },
  ) {
    const result = await changeOwnedProject(db, { id, ownerId: caller.user.id }, (record) => {
      const patch = what.decide(record);
      return patch && { patch, event: { actorId: caller.user.id, ...activity } };
    });
    if (!result) throw projectNotFound();
    if (result.changed) await announce(caller, result.record, what);
    return toProject(result.record);
  }

  const command = (name: ProjectCommand) => (caller: Caller, id: string) =>
    change(
      caller,
      id,
      { needsJob: true, decide: (record) => applyCommand(name, record, new Date().toISOString()) },
      activityOfCommand[name],
    );

  return {
    async create(caller, input) {
      const id = newId();
      const { record, created } = await db.transaction(async (trx) => {
        const inserted = await insertProject(
          trx,
          {
            id,
            ownerId: caller.user.id,
            idempotencyKey: input.idempotencyKey ?? null,
            name: input.name,
            description: input.description ?? '',
            repoUrl: input.repoUrl ?? null,
            namespace: settings.kubeNamespace,
            ...newNames(id),
          },
          { maxProjects: settings.maxProjects },
        );
        if (inserted.created) {
          const message = 'Created the project.';
          await appendProjectEvent(trx, { projectId: id, kind: 'created', actorId: caller.user.id, message });
        }
        return inserted;
      });
      // A repeated create queues again: perhaps the first one was cut off between the row and the queue.
      await announce(caller, record, { needsJob: created || !isObserved(record) });
      return toProject(record);
    },

    async get(caller, id) {
      const record = await findOwnedProject(db, { id, ownerId: caller.user.id });
      if (!record) throw projectNotFound();
      return toProject(record);
    },

    async list(caller, input) {
      const records = await listProjects(db, {
        ownerId: caller.user.id,
        limit: input.limit,
        sort: input.sort,
        after: input.cursor ? decodeCursor(input.sort, input.cursor) : null,
        search: input.search,
        status: input.status,
      });
      const items = records.slice(0, input.limit);
      const last = records.length > input.limit ? items.at(-1) : undefined;
      return { items: items.map(toProject), nextCursor: last ? encodeCursor(input.sort, last) : null };
    },

    update: (caller, input) =>
      change(
        caller,
        input.id,
        { needsJob: false, decide: (record) => applyUpdate(record, input) },
        { kind: 'updated', message: `Changed the ${describeFields(input)}.` },
      ),

    delete: command('delete'),
    stop: command('stop'),
    start: command('start'),
    restart: command('restart'),
    retry: command('retry'),

    usualStart: () => usualStart(),

    async activity(caller, input) {
      if (!(await findOwnedProject(db, { id: input.id, ownerId: caller.user.id }))) throw projectNotFound();
      const beforeId = input.cursor ? decodeActivityCursor(input.cursor) : null;
      const entries = await listProjectEvents(db, {
        projectId: input.id,
        ownerId: caller.user.id,
        beforeId,
        limit: activityPageSize,
      });
      const items = entries.slice(0, activityPageSize);
      return { items, nextCursor: entries.length > activityPageSize ? (items.at(-1)?.id ?? null) : null };
    },
  };
}

/** @throws AppError ILLEGAL_STATE */
function applyUpdate(record: ProjectRecord, input: UpdateProjectInput): ProjectPatch | null {
  const permission = projectCan('update', record);
  if (permission.kind === 'no') throw new AppError('ILLEGAL_STATE', permission.message);
  const patch: ProjectPatch = {};
  if (input.name !== undefined && input.name !== record.name) patch.name = input.name;
  if (input.description !== undefined && input.description !== record.description) {
    patch.description = input.description;
  }
  if (input.repoUrl !== undefined && input.repoUrl !== record.repoUrl) patch.repoUrl = input.repoUrl;
  return Object.keys(patch).length > 0 ? patch : null;
}

function describeFields(input: UpdateProjectInput): string {
  const named = [
    ...(input.name === undefined ? [] : ['name']),
    ...(input.description === undefined ? [] : ['description']),
    ...(input.repoUrl === undefined ? [] : ['repository URL']),
  ];
  return named.join(' and ') || 'project';
}

function timeLimit(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
