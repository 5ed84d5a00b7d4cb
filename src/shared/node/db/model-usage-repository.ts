/** What models were used for: one row per day (UTC), person, project, run, model and owner of the key. */

import type { Transaction } from 'objection';
import { z } from 'zod';

import type { AdminUsage } from '../../contract/admin.ts';
import type { ModelUsage, TokenCounts } from '../../contract/models.ts';
import type { Database } from './database.ts';

type Db = Database | Transaction;

export type KeyOwner = 'installation' | 'person';

/** What is added to a row. */
export interface UsageEntry {
  userId: string;
  projectId: string;
  /** The agent run, if the request was part of one. */
  runId: string | null;
  provider: string;
  model: string;
  keyOwner: KeyOwner;
  requests: number;
  unmeasuredRequests: number;
  unpricedRequests: number;
  inputTokens: number;
  cachedInputTokens: number;
  cacheWriteTokens: number;
  outputTokens: number;
  /** Millionths of a US dollar. */
  costMicros: number;
}

const counters = [
  'requests',
  'unmeasured_requests',
  'unpriced_requests',
  'input_tokens',
  'cached_input_tokens',
  'cache_write_tokens',
  'output_tokens',
  'cost_micros',
];
const today = "(now() at time zone 'utc')::date";
const noRun = '00000000-0000-0000-0000-000000000000';

/** Rows are kept for this many days. */
const retentionDays = 400;
const maxGroups = 50;

export async function addModelUsage(db: Db, entry: UsageEntry): Promise<void> {
  const sums = counters.map((name) => `${name} = model_usage.${name} + excluded.${name}`).join(', ');
  await db.raw(
    `insert into model_usage (day, user_id, project_id, run_id, provider, model, key_owner, ${counters.join(', ')})
     values (${today}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (user_id, day, project_id, provider, model, key_owner, (coalesce(run_id, '${noRun}'))) do update set ${sums}`,
    [
      entry.userId,
      entry.projectId,
      entry.runId,
      entry.provider,
      entry.model,
      entry.keyOwner,
      entry.requests,
      entry.unmeasuredRequests,
      entry.unpricedRequests,
      entry.inputTokens,
      entry.cachedInputTokens,
      entry.cacheWriteTokens,
      entry.outputTokens,
      entry.costMicros,
    ],
  );
}

/** Tokens that the person has used today (UTC) with keys of the installation. */
export async function readTokensToday(db: Db, userId: string): Promise<number> {
  const row = await db('model_usage')
    .where({ userId, keyOwner: 'installation' })
    .whereRaw(`day = ${today}`)
    .first<{ tokens: string | null }>(db.raw('sum(input_tokens + output_tokens) as tokens'));
  return Number(row?.tokens ?? 0);
}

/** The run of the project that this session of OpenCode works on now, or `null`. */
export async function findRunOfSession(db: Db, key: { projectId: string; sessionId: string }): Promise<string | null> {
  const row = await db('runs')
    .where({ projectId: key.projectId, opencodeSessionId: key.sessionId })
    .whereNull('endedAt')
    .orderBy('seq', 'desc')
    .first<{ id: string } | undefined>('id');
  return row?.id ?? null;
}

const count = z.coerce.number().int();
const countsSchema = z
  .object({
    requests: count,
    unmeasuredRequests: count,
    unpricedRequests: count,
    inputTokens: count,
    cachedInputTokens: count,
    outputTokens: count,
    costMicros: count,
  })
  .transform(({ costMicros, ...counts }): TokenCounts => ({
    ...counts,
    cost: counts.unpricedRequests >= counts.requests && counts.requests > 0 ? null : costMicros / 1e6,
  }));

/** Rows of `raw` keep the names of the statement. */
const sumsOf = [
  ['requests', 'requests'],
  ['unmeasured_requests', 'unmeasuredRequests'],
  ['unpriced_requests', 'unpricedRequests'],
  ['input_tokens', 'inputTokens'],
  ['cached_input_tokens', 'cachedInputTokens'],
  ['output_tokens', 'outputTokens'],
  ['cost_micros', 'costMicros'],
]
  .map(([column, name]) => `coalesce(sum(u.${column}), 0) as "${name}"`)
  .join(', ');

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const counts = (row: Record<string, unknown> | undefined): TokenCounts => countsSchema.parse(row ?? {});

/** What one person has used in the last `days` days, today (UTC) included. */
export async function readModelUsage(db: Db, query: { userId: string; days: number }): Promise<ModelUsage> {
  const ofPerson = 'from model_usage u';
  const where = `where u.user_id = ? and u.day > ${today} - ?::int`;
  const largest = `order by sum(u.input_tokens + u.output_tokens) desc limit ${maxGroups}`;
  const rowsOf = async (statement: string): Promise<Record<string, unknown>[]> => {
    const result = await db.raw<{ rows: Record<string, unknown>[] }>(statement, [query.userId, query.days]);
    return result.rows;
  };
  const [total] = await rowsOf(`select ${today}::text as today, ${sumsOf} ${ofPerson} ${where}`);
  const days = await rowsOf(
    `select u.day::text as day, ${sumsOf} ${ofPerson} ${where} group by u.day order by u.day desc`,
  );
  const projects = await rowsOf(
    `select u.project_id, p.name, p.deleted_at is not null as is_deleted, ${sumsOf} ${ofPerson}
     join projects p on p.id = u.project_id ${where} group by u.project_id, p.name, p.deleted_at ${largest}`,
  );
  const models = await rowsOf(
    `select u.provider, u.model, ${sumsOf} ${ofPerson} ${where} group by u.provider, u.model ${largest}`,
  );
  const runs = await rowsOf(
    `select u.run_id, u.project_id, t.id as task_id, t.title, ${sumsOf} ${ofPerson}
     join runs r on r.id = u.run_id join tasks t on t.id = r.task_id
     ${where} group by u.run_id, u.project_id, t.id, t.title ${largest}`,
  );
  return {
    today: text(total?.['today']),
    total: counts(total),
    byDay: days.map((row) => ({ day: text(row['day']), ...counts(row) })),
    byProject: projects.map((row) => ({
      projectId: text(row['project_id']),
      projectName: text(row['name']),
      isDeleted: row['is_deleted'] === true,
      ...counts(row),
    })),
    byModel: models.map((row) => ({ provider: text(row['provider']), model: text(row['model']), ...counts(row) })),
    byRun: runs.map((row) => ({
      runId: text(row['run_id']),
      projectId: text(row['project_id']),
      taskId: text(row['task_id']),
      taskTitle: text(row['title']),
      ...counts(row),
    })),
  };
}

/** What everybody has used in the last `days` days, today (UTC) included, the largest first. */
export async function readUsageByPerson(db: Db, days: number): Promise<Pick<AdminUsage, 'total' | 'byPerson'>> {
  const since = `where u.day > ${today} - ?::int`;
  const rowsOf = async (statement: string) =>
    (await db.raw<{ rows: Record<string, unknown>[] }>(statement, [days])).rows;
  const [total] = await rowsOf(`select ${sumsOf} from model_usage u ${since}`);
  const people = await rowsOf(
    `select u.user_id, users.name, users.email, ${sumsOf} from model_usage u join users on users.id = u.user_id
     ${since} group by u.user_id, users.name, users.email
     order by sum(u.input_tokens + u.output_tokens) desc limit ${maxGroups}`,
  );
  return {
    total: counts(total),
    byPerson: people.map((row) => ({
      userId: text(row['user_id']),
      name: text(row['name']),
      email: typeof row['email'] === 'string' ? row['email'] : null,
      ...counts(row),
    })),
  };
}

/** Deletes up to `limit` rows that are too old. Returns their number. */
export function pruneModelUsage(db: Db, { limit }: { limit: number }): Promise<number> {
  const old = db('model_usage').select('ctid').whereRaw(`day < ${today} - ${retentionDays}`).limit(limit);
  return db('model_usage').whereIn('ctid', old).delete();
}
