/** Reads and writes of `config_versions`. The caller has checked whose project it is. */

import type { Transaction } from 'objection';
import { z } from 'zod';

import type { ConfigVersion, ConfigVersionInfo } from '../../contract/config.ts';
import type { Database } from './database.ts';
import { projectRecordSchema, type ProjectRecord } from './project-record.ts';

type Db = Database | Transaction;

export interface ConfigText {
  document: string;
  rules: string;
}

interface NewConfigVersion extends ConfigText {
  projectId: string;
  version: number;
  comment: string;
  restoredFrom: number | null;
  authorId: string;
}

const infoSchema = z.object({
  version: z.int(),
  comment: z.string(),
  restoredFrom: z.int().nullable(),
  savedBy: z.string().nullable(),
  savedAt: z.date().transform((date) => date.toISOString()),
});
const versionSchema = infoSchema.extend({ document: z.string(), rules: z.string() });

/** Inserts a version, and deletes the oldest ones beyond `keep`. */
export async function insertConfigVersion(
  trx: Transaction,
  version: NewConfigVersion,
  { keep }: { keep: number },
): Promise<void> {
  await trx('config_versions').insert(version);
  await trx('config_versions')
    .where({ project_id: version.projectId })
    .where('version', '<=', version.version - keep)
    .delete();
}

/** One version, or `null`. */
export async function findConfigVersion(
  db: Db,
  key: { projectId: string; version: number },
): Promise<ConfigVersion | null> {
  const row: unknown = await versionsOf(db, key.projectId)
    .where({ 'config.version': key.version })
    .select('config.document', 'config.rules')
    .first();
  return row === undefined ? null : versionSchema.parse(row);
}

/** All versions that are kept, the newest first, without their texts. */
export async function listConfigVersions(
  db: Db,
  { projectId, limit }: { projectId: string; limit: number },
): Promise<ConfigVersionInfo[]> {
  const rows: unknown[] = await versionsOf(db, projectId).orderBy('config.version', 'desc').limit(limit);
  return rows.map((row) => infoSchema.parse(row));
}

function versionsOf(db: Db, projectId: string) {
  return db('config_versions as config')
    .leftJoin('users', 'users.id', 'config.author_id')
    .where({ 'config.project_id': projectId })
    .select('config.version', 'config.comment', 'config.restored_from', 'config.created_at as savedAt')
    .select('users.name as savedBy');
}

/** Projects with a version that is to be applied, if their pod is ready or they do not want one; the oldest projects first. */
export async function listConfigsToApply(db: Db, { limit }: { limit: number }): Promise<ProjectRecord[]> {
  const rows: unknown[] = await db('projects')
    .whereNotNull('config_apply_version')
    .whereRaw("(status = 'ready' or desired_state <> 'running')")
    .orderBy('seq')
    .limit(limit);
  return rows.map((row) => projectRecordSchema.parse(row));
}

/** What an agent works on: the runs of a project that were given to OpenCode and have not ended, with the titles of their tasks. */
export async function listWorkingRuns(
  db: Db,
  { projectId, limit }: { projectId: string; limit: number },
): Promise<{ id: string; taskTitle: string }[]> {
  return await db('runs')
    .join('tasks', 'tasks.id', 'runs.task_id')
    .where({ 'runs.project_id': projectId })
    .whereNull('runs.ended_at')
    .whereNotNull('runs.started_at')
    .orderBy('runs.seq')
    .limit(limit)
    .select<{ id: string; taskTitle: string }[]>('runs.id', 'tasks.title as taskTitle');
}

/** Deletes up to `limit` versions of projects that have been archived for a week. Returns their number. */
export function pruneConfigVersions(db: Db, { limit }: { limit: number }): Promise<number> {
  const old = db('config_versions')
    .join('projects', 'projects.id', 'config_versions.project_id')
    .whereRaw("projects.deleted_at < now() - interval '7 days'")
    .select('config_versions.project_id', 'config_versions.version')
    .limit(limit);
  return db('config_versions').whereIn(['project_id', 'version'], old).delete();
}
