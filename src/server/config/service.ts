/**
 * What people may do with the configuration of a project. A save stores a version, and a pod that starts later gets the newest
 * one. Applying a version to a pod that runs is a command in the row, which a worker carries out.
 */

import { checkConfig } from '../../shared/contract/check-config.ts';
import { keptConfigVersions, type ConfigVersion, type SavedConfig } from '../../shared/contract/config.ts';
import { AppError, type FieldErrors } from '../../shared/contract/errors.ts';
import { projectCan } from '../../shared/contract/states.ts';
import type { Announcer } from '../../shared/node/announcer.ts';
import {
  findConfigVersion,
  insertConfigVersion,
  listConfigVersions,
  listWorkingRuns,
} from '../../shared/node/db/config-repository.ts';
import type { Database } from '../../shared/node/db/database.ts';
import type { ProjectRecord } from '../../shared/node/db/project-record.ts';
import {
  changePermittedProject,
  findPermittedProject,
  type ProjectChange,
} from '../../shared/node/db/projects-repository.ts';
import { projectNotFound } from '../projects/service.ts';
import type { ConfigService, ProjectCaller } from '../services.ts';
import type { ConfigReader } from './read-config-in-use.ts';

/** As many as the limit of active runs allows. */
const listedRuns = 20;

interface NewText {
  document: string;
  rules: string;
  comment: string;
  restoredFrom: number | null;
  baseVersion: number;
}

const keyOf = ({ user, right }: ProjectCaller, id: string) => ({ id, userId: user.id, right });

export function createConfigService(deps: { db: Database; announcer: Announcer; reader: ConfigReader }): ConfigService {
  const { db, announcer, reader } = deps;

  async function findOwn(caller: ProjectCaller, id: string): Promise<ProjectRecord> {
    const project = await findPermittedProject(db, keyOf(caller, id));
    if (!project) throw projectNotFound();
    return project;
  }

  async function findVersion(projectId: string, version: number): Promise<ConfigVersion> {
    const found = await findConfigVersion(db, { projectId, version });
    if (found) return found;
    const message = `There is no version ${version} of this configuration. The newest ${keptConfigVersions} versions are kept.`;
    throw new AppError('NOT_FOUND', message);
  }

  async function change(caller: ProjectCaller, id: string, changeOf: (project: ProjectRecord) => ProjectChange | null) {
    const result = await changePermittedProject(db, keyOf(caller, id), changeOf);
    if (!result) throw projectNotFound();
    if (result.changed) await announcer.announce(result.record, { requestId: caller.requestId, needsJob: false });
    return result.record;
  }

  /** @throws AppError CONFLICT; ILLEGAL_STATE; VALIDATION_FAILED */
  async function store(caller: ProjectCaller, project: ProjectRecord, text: NewText): Promise<SavedConfig> {
    const { errors, warnings } = checkConfig(text.document);
    if (errors.length > 0) throw invalid(errors);
    const { id } = project;
    const stored = await db.transaction(async (trx) => {
      await trx.raw('select 1 from projects where id = ? for update', [id]);
      const locked = await findPermittedProject(trx, keyOf(caller, id));
      if (!locked) throw projectNotFound();
      const permission = projectCan('update', locked);
      if (permission.kind === 'no') throw new AppError('ILLEGAL_STATE', permission.message);
      const newest = await findConfigVersion(trx, { projectId: id, version: locked.configVersion });
      // A repeated save has no further effect.
      if (newest && newest.document === text.document && newest.rules === text.rules) return { record: locked };
      if (locked.configVersion !== text.baseVersion) throw savedMeanwhile(newest);
      const version = locked.configVersion + 1;
      const { baseVersion: _b, ...saved } = text;
      const insert = { ...saved, projectId: id, version, authorId: caller.user.id };
      await insertConfigVersion(trx, insert, { keep: keptConfigVersions });
      return await changePermittedProject(trx, keyOf(caller, id), () => ({
        patch: { configVersion: version },
        event: { kind: 'updated', actorId: caller.user.id, message: savedMessage(version, text.restoredFrom) },
      }));
    });
    if (!stored) throw projectNotFound();
    await announcer.announce(stored.record, { requestId: caller.requestId, needsJob: false });
    return { version: stored.record.configVersion, warnings };
  }

  return {
    async get(caller, id) {
      const project = await findOwn(caller, id);
      const [saved, inUse, runs] = await Promise.all([
        findConfigVersion(db, { projectId: id, version: project.configVersion }),
        reader.read(project),
        listWorkingRuns(db, { projectId: id, limit: listedRuns }),
      ]);
      const { document, rules } = saved ?? { document: '{}\n', rules: '' };
      return {
        version: project.configVersion,
        document,
        rules,
        warnings: checkConfig(document).warnings,
        inUse: inUse.config,
        applyVersion: project.configApplyVersion,
        interrupts: {
          runs: runs.map(({ id: runId, taskTitle }) => ({ id: runId, taskTitle })),
          busySessions: othersOf(inUse.busySessions, runs.length),
        },
      };
    },

    async save(caller, { id, ...text }) {
      return await store(caller, await findOwn(caller, id), { ...text, restoredFrom: null });
    },

    async versions(caller, id) {
      const { id: projectId } = await findOwn(caller, id);
      return { items: await listConfigVersions(db, { projectId, limit: keptConfigVersions }) };
    },

    async version(caller, { id, version }) {
      const project = await findOwn(caller, id);
      return await findVersion(project.id, version);
    },

    async restore(caller, { id, version, baseVersion }) {
      const project = await findOwn(caller, id);
      const { document, rules } = await findVersion(id, version);
      const text = { document, rules, comment: '', restoredFrom: version, baseVersion };
      return await store(caller, project, text);
    },

    async applyNow(caller, id) {
      const project = await change(caller, id, (found) => {
        if (found.configVersion === 0) throw new AppError('ILLEGAL_STATE', 'Save a configuration first.');
        if (found.desiredState !== 'running') {
          const message = 'The project does not run. It uses the newest version of the configuration when it starts.';
          throw new AppError('ILLEGAL_STATE', message);
        }
        if (found.configApplyVersion === found.configVersion) return null;
        return { patch: { configApplyVersion: found.configVersion } };
      });
      return { applyVersion: project.configVersion };
    },
  };
}

const savedMessage = (version: number, restoredFrom: number | null): string =>
  restoredFrom === null
    ? `Saved version ${version} of the configuration.`
    : `Saved version ${version} of the configuration, which is the same as version ${restoredFrom}.`;

function invalid(errors: { path: string; message: string }[]): AppError {
  const fields: FieldErrors = Object.create(null) as FieldErrors; // no prototype, because a field may be called "__proto__"
  for (const { path, message } of errors) fields[path === '' ? 'document' : `document.${path}`] ??= message;
  const [first] = errors;
  const place = first?.path ? `${first.path}: ` : '';
  const more = errors.length > 1 ? ` There are ${errors.length - 1} more errors.` : '';
  const message = `The configuration was not saved, because OpenCode would refuse it. ${place}${first?.message ?? ''}${more}`;
  return new AppError('VALIDATION_FAILED', message, { fields });
}

function savedMeanwhile(newest: ConfigVersion | null): AppError {
  const who = newest?.savedBy ?? 'Somebody';
  const message = `${who} saved version ${newest?.version ?? 0} in the meantime. Nothing was overwritten: compare the two texts, then save again.`;
  return new AppError('CONFLICT', message);
}

/** The pod counts the sessions of runs too, in whatever folder they are. */
function othersOf(busySessions: number | null, runs: number): number | null {
  return busySessions === null ? null : Math.max(0, busySessions - runs);
}
