/** The timeline of each project: append-only, and pruned by age. */

import type { Knex } from 'knex';
import type { Transaction } from 'objection';

import { activityKindSchema, type ActivityEntry, type ActivityKind } from '../../contract/activity.ts';
import { reasonCodeSchema } from '../../contract/reason-code.ts';
import type { ReasonCode } from '../../contract/reasons.ts';
import type { Database } from './database.ts';
import { ProjectEventModel } from './models.ts';

type Db = Database | Transaction;

export interface NewProjectEvent {
  kind: ActivityKind;
  /** The user's id; `null` when the system does it. */
  actorId: string | null;
  message: string;
  reason?: ReasonCode | null;
}

export async function appendProjectEvent(db: Db, event: NewProjectEvent & { projectId: string }): Promise<void> {
  await ProjectEventModel.query(db).insert(event);
}

/**
 * The INSERT of an event, as part of a statement in which `changed` is the changed row of the project, if it was changed. A
 * failure is not written again if the newest line has the same message, because an attempt may fail many times.
 */
export function insertEventOfChanged(db: Db, { kind, actorId, message, reason = null }: NewProjectEvent): Knex.Raw {
  const insert = `insert into project_events (project_id, kind, actor_id, message, reason)
                  select id, ?::text, ?::uuid, ?::text, ?::text from changed`;
  const values = [kind, actorId, message, reason];
  if (kind !== 'job-failed') return db.raw(insert, values);
  const isNew = `where row(?::text, ?::text) is distinct from (
                   select row(kind, message) from project_events where project_id = changed.id order by id desc limit 1
                 )`;
  return db.raw(`${insert} ${isNew}`, [...values, kind, message]);
}

/** Deletes up to `limit` of the oldest entries that are older than `olderThanDays`. Returns their number. */
export function pruneProjectEvents(db: Db, options: { olderThanDays: number; limit: number }): Promise<number> {
  return db('project_events')
    .whereIn(
      'id',
      db('project_events')
        .select('id')
        .whereRaw("at < now() - ? * interval '1 day'", [options.olderThanDays])
        .orderBy('at')
        .limit(options.limit),
    )
    .delete();
}

/** The entries of a project before `beforeId`, newest first. Returns one more than `limit` if there are more. The caller has checked who asks. */
export async function listProjectEvents(
  db: Db,
  query: { projectId: string; beforeId: string | null; limit: number },
): Promise<ActivityEntry[]> {
  const rows = await ProjectEventModel.query(db)
    .alias('event')
    .leftJoin('users', 'users.id', 'event.actor_id')
    .select('event.id', 'event.at', 'event.kind', 'event.message', 'event.reason', 'users.name as actor')
    .where({ 'event.project_id': query.projectId })
    .modify((builder) => {
      if (query.beforeId !== null) void builder.where('event.id', '<', query.beforeId);
    })
    .orderBy('event.id', 'desc')
    .limit(query.limit + 1)
    .castTo<{ id: string; at: Date; kind: string; message: string; reason: string | null; actor: string | null }[]>();
  return rows.map((row) => ({
    ...row,
    at: row.at.toISOString(),
    // A newer version may write kinds that this one does not know.
    kind: activityKindSchema.catch('updated').parse(row.kind),
    reason: reasonCodeSchema.nullable().catch(null).parse(row.reason),
  }));
}
