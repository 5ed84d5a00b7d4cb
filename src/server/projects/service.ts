/**
 * What people may do with projects. The caller and the right of the procedure are part of each key, so no function can reach a project
 * in which the caller does not have this right.
 * A command is committed to PostgreSQL together with its line of the timeline. Then it is announced to the other servers
 * and the worker. The server never waits for Kubernetes.
 */

import type { Clock } from '../../shared/clock.ts';
import type { ActivityKind } from '../../shared/contract/activity.ts';
import { isObserved, type ProjectCommand } from '../../shared/contract/commands.ts';
import { AppError } from '../../shared/contract/errors.ts';
import { longestProjectName } from '../../shared/contract/fields.ts';
import type { InstallationIdleStop } from '../../shared/contract/idle-stop.ts';
import type { CreateProjectInput, Project } from '../../shared/contract/project.ts';
import type { Announcer } from '../../shared/node/announcer.ts';
import { commandProject } from '../../shared/node/command-project.ts';
import type { Database } from '../../shared/node/db/database.ts';
import { requireStartsAllowed } from '../../shared/node/db/notice-repository.ts';
import { appendProjectEvent, listProjectEvents } from '../../shared/node/db/project-events-repository.ts';
import { toPublished, type ProjectRecord } from '../../shared/node/db/project-record.ts';
import { recordUse } from '../../shared/node/db/project-use-repository.ts';
import {
  changePermittedProject,
  findPermittedProject,
  insertProject,
  listProjects,
  tooManyProjects,
  type ProjectPatch,
} from '../../shared/node/db/projects-repository.ts';
import { listCountedProjects, requireQuotaOfNew, withinQuota } from '../../shared/node/db/quota-repository.ts';
import type { RestoredData } from '../../shared/node/db/restored-data.ts';
import { readProjectDefaults } from '../../shared/node/db/users-repository.ts';
import { permitted, projectFor } from '../../shared/node/project-access.ts';
import { noSizeRules, requireSize, sizeNamed, type SizeRules } from '../../shared/node/sizes/size-rules.ts';
import type { Caller, ProjectCaller, ProjectService } from '../services.ts';
import { decodeActivityCursor, decodeCursor, encodeCursor } from './cursor.ts';
import type { ProjectEntries } from './entries.ts';
import { describeQuota } from './quota.ts';
import { updateMessage, updatePatch } from './update.ts';
import { createUsualStart } from './usual-start.ts';

const activityPageSize = 50;

interface ProjectServiceDeps {
  db: Database;
  restoredData: Pick<RestoredData, 'check'>;
  announcer: Announcer;
  settings: { kubeNamespace: string; maxProjects: number; idleStopDefault: InstallationIdleStop; trashDays: number };
  sizeRules: SizeRules;
  newId: () => string;
  newNames: (projectId: string) => { podName: string; workspacePvcName: string };
  entries: ProjectEntries;
  clock: Clock;
}

/** The same error for a project of somebody else and for a project that does not exist. */
export function projectNotFound(): AppError {
  return new AppError(
    'NOT_FOUND',
    'You have no project with this id. It may have been deleted, or belong to somebody else.',
  );
}

const keyOf = ({ user, right }: ProjectCaller, id: string) => ({ id, userId: user.id, right });

const shown = (caller: Caller, record: ProjectRecord): Project => projectFor(toPublished(record), caller.user.id);

export function createProjectService(deps: ProjectServiceDeps): ProjectService {
  const { db, announcer, clock, sizeRules } = deps;
  const usualStart = createUsualStart({ db, clock });

  async function change(
    caller: ProjectCaller,
    id: string,
    decide: (record: ProjectRecord) => ProjectPatch | null,
    options: { kind: ActivityKind; message: string; rules: SizeRules },
  ) {
    const { rules, ...activity } = options;
    const { requestId } = caller;
    const userId = caller.user.id;
    const result = await withinQuota(db, { id, permit: { userId, right: caller.right }, rules }, (within, check) =>
      changePermittedProject(within, keyOf(caller, id), (record) => {
        const patch = decide(record);
        if (patch) check(record, patch);
        return patch && { patch, event: { actorId: userId, ...activity } };
      }),
    );
    if (!result) throw projectNotFound();
    if (result.changed) await announcer.announce(result.record, { requestId, needsJob: false });
    return shown(caller, result.record);
  }

  async function give(command: ProjectCommand, caller: ProjectCaller, id: string, patch: ProjectPatch = {}) {
    const { user, right, requestId } = caller;
    const record = await commandProject(deps, { id, command, requestId, patch, by: { userId: user.id, right } });
    if (!record) throw projectNotFound();
    return shown(caller, record);
  }
  const command = (name: ProjectCommand) => (caller: ProjectCaller, id: string) => give(name, caller, id);

  async function find(caller: ProjectCaller, id: string): Promise<ProjectRecord> {
    const record = await findPermittedProject(db, keyOf(caller, id));
    if (!record) throw projectNotFound();
    return record;
  }

  /** A project that was not created now may have been restored, and its version may have fallen back. */
  async function findAgain(caller: Caller, id: string): Promise<ProjectRecord> {
    await deps.restoredData.check();
    return await find({ ...caller, right: 'read' }, id);
  }

  return {
    async create(caller, input) {
      const { record: inserted, created } = await insertWithEvent(deps, caller, input);
      const record = created ? inserted : await findAgain(caller, inserted.id);
      // A repeated create queues again, because the first one may have stopped between the commit and the queue.
      const needsJob = created || !isObserved(record);
      await announcer.announce(record, { requestId: caller.requestId, needsJob });
      return shown(caller, record);
    },

    async open(caller, id) {
      const { status } = await find(caller, id);
      if (status === 'archived') {
        throw new AppError(
          'ILLEGAL_STATE',
          'The project was deleted, so it cannot be opened. Create a new one instead.',
        );
      }
      const entry = await deps.entries.issue(caller, id);
      await recordUse(db, id);
      return entry;
    },

    get: async (caller, id) => shown(caller, await find(caller, id)),

    async list(caller, input) {
      const records = await listProjects(db, {
        userId: caller.user.id,
        limit: input.limit,
        sort: input.sort,
        after: input.cursor ? decodeCursor(input.sort, input.cursor) : null,
        search: input.search,
        status: input.status,
        inTrash: input.inTrash,
      });
      const items = records.slice(0, input.limit);
      const last = records.length > input.limit ? items.at(-1) : undefined;
      return {
        items: items.map((record) => shown(caller, record)),
        nextCursor: last ? encodeCursor(input.sort, last) : null,
      };
    },

    async update(caller, input) {
      requireSize(sizeRules, input.size);
      // A larger size of a project that runs counts at once, because each new pod has it; a smaller one when the pod has it.
      const rules = input.size === undefined ? noSizeRules : sizeRules;
      const options = { kind: 'updated', message: updateMessage(input), rules } as const;
      const project = await change(
        caller,
        input.id,
        (record) => {
          const patch = updatePatch(record, input, sizeRules.sizes);
          if (patch?.size !== undefined) permitted(record, { userId: caller.user.id, right: 'size' });
          return patch;
        },
        options,
      );
      // The time that counts for the new choice begins now.
      if (input.idleStop !== undefined) await recordUse(db, input.id);
      return project;
    },

    async keep(caller, id) {
      await find(caller, id);
      await recordUse(db, id);
      // It ends the countdown in every window. There is no line in the timeline.
      const result = await changePermittedProject(db, keyOf(caller, id), ({ idleStopInMinutes: minutes }) =>
        minutes === null ? null : { patch: { idleStopInMinutes: null } },
      );
      if (!result) throw projectNotFound();
      if (result.changed) await announcer.announce(result.record, { requestId: caller.requestId, needsJob: false });
      return shown(caller, result.record);
    },

    async trash(caller, id) {
      const { trashDays: days } = deps.settings;
      if (days > 0) return give('trash', caller, id, { trashDaysLeft: days });
      throw new AppError(
        'UNSUPPORTED',
        'This installation has no trash. Delete the project, which cannot be undone. An administrator can set TRASH_DAYS.',
      );
    },

    async restore(caller, id) {
      const { name } = await find(caller, id);
      // One more name than there can be projects: one of them is free.
      for (const free of namesLike(name, deps.settings.maxProjects + 1)) {
        try {
          return await give('restore', caller, id, free === name ? {} : { name: free });
        } catch (error) {
          if (!(error instanceof AppError && error.code === 'NAME_TAKEN')) throw error;
        }
      }
      throw new AppError('NAME_TAKEN', `Rename one of your projects whose name begins with “${name}”.`);
    },

    trashSettings: () => Promise.resolve({ days: deps.settings.trashDays }),

    async quota({ user }) {
      const projects = await listCountedProjects(db, { ownerId: user.id });
      const { maxProjects } = deps.settings;
      const counted = { live: projects.length, trashed: projects.filter(({ isInTrash }) => isInTrash).length };
      const limitRefusal = counted.live < maxProjects ? null : tooManyProjects({ ...counted, limit: maxProjects });
      return describeQuota({ projects, rules: sizeRules, limitRefusal });
    },

    idleStopDefault: () => Promise.resolve({ idleStop: deps.settings.idleStopDefault }),

    delete: command('delete'),
    stop: command('stop'),
    start: command('start'),
    restart: command('restart'),
    retry: command('retry'),

    usualStart: () => usualStart(),

    async activity(caller, input) {
      const { id } = await find(caller, input.id);
      const beforeId = input.cursor ? decodeActivityCursor(input.cursor) : null;
      const entries = await listProjectEvents(db, {
        projectId: id,
        beforeId,
        limit: activityPageSize,
      });
      const items = entries.slice(0, activityPageSize);
      return { items, nextCursor: entries.length > activityPageSize ? (items.at(-1)?.id ?? null) : null };
    },
  };
}

/** The name, and then it with a number, within the length of a name. */
function* namesLike(name: string, count: number): Generator<string> {
  yield name;
  for (let number = 2; number <= count + 1; number += 1) {
    const suffix = ` ${number}`;
    yield `${name.slice(0, longestProjectName - suffix.length)}${suffix}`;
  }
}

async function insertWithEvent(
  { db, settings, sizeRules, newId, newNames }: ProjectServiceDeps,
  caller: Caller,
  input: CreateProjectInput,
): Promise<{ record: ProjectRecord; created: boolean }> {
  requireSize(sizeRules, input.size);
  const id = newId();
  const defaults = await readProjectDefaults(db, caller.user.id);
  // The administrator may have removed the size that the person had chosen.
  const preferred = sizeRules.sizes.some(({ name }) => name === defaults.size) ? defaults.size : null;
  const sizeName = input.size === undefined ? preferred : input.size;
  const size = sizeNamed(sizeRules.sizes, sizeName);
  const project = {
    id,
    ownerId: caller.user.id,
    idempotencyKey: input.idempotencyKey ?? null,
    name: input.name,
    description: input.description ?? '',
    repoUrl: input.repoUrl ?? null,
    size: sizeName,
    idleStop: defaults.idleStop,
    aiReview: defaults.aiReview,
    storage: size?.storage ?? null,
    namespace: settings.kubeNamespace,
    ...newNames(id),
  };
  return db.transaction(async (trx) => {
    const inserted = await insertProject(trx, project, { maxProjects: settings.maxProjects });
    if (inserted.created) {
      await requireStartsAllowed(trx);
      await requireQuotaOfNew(trx, inserted.record, sizeRules);
      const message = 'Created the project.';
      await appendProjectEvent(trx, { projectId: id, kind: 'created', actorId: caller.user.id, message });
    }
    return inserted;
  });
}
