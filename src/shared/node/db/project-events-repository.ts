/** The timeline: append-only, until its entries are too old to keep. */

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
 * The INSERT for a statement whose part `changed` is the project's row as it was changed, if it was. The same attempt
 * may fail again and again: a failure is not written where the last line says the very same already.
 */
export function eventOfChanged(db: Db, { kind, actorId, message, reason = null }: NewProjectEvent): Knex.Raw {
  const insert = `insert into project_events (project_id, kind, actor_id, message, reason)
                  select id, ?::text, ?::uuid, ?::text, ?::text from changed`;
  const values = [kind, actorId, message, reason];
  if (kind !== 'job-failed') return db.raw(insert, values);
  const isNew = `where row(?::text, ?::text) is distinct from (
                   select row(kind, message) from project_events where project_id = changed.id order by id desc limit 1
                 )`;
  return db.raw(`${insert} ${isNew}`, [...values, kind, message]);
}

/** Removes up to `limit` of the oldest entries that are older than `olderThanDays`. Returns how many it were. */
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

/** Of the owner's project, newest first, those older than `beforeId`; the actor by name. Returns one more than `limit` if there is more. */
export async function listProjectEvents(
  db: Db,
  query: { projectId: string; ownerId: string; beforeId: string | null; limit: number },
): Promise<ActivityEntry[]> {
  const rows = await ProjectEventModel.query(db)
    .alias('event')
    .join('projects', 'projects.id', 'event.project_id')
    .leftJoin('users', 'users.id', 'event.actor_id')
    .select('event.id', 'event.at', 'event.kind', 'event.message', 'event.reason', 'users.name as actor')
    .where({ 'event.project_id': query.projectId, 'projects.owner_id': query.ownerId })
    .modify((builder) => {
      if (query.beforeId !== null) void builder.where('event.id', '<', query.beforeId);
    })
    .orderBy('event.id', 'desc')
    .limit(query.limit + 1)
    .castTo<{ id: string; at: Date; kind: string; message: string; reason: string | null; actor: string | null }[]>();
  return rows.map((row) => ({
    ...row,
    at: row.at.toISOString(),
    kind: activityKindSchema.parse(row.kind),
    reason: reasonCodeSchema.nullable().catch(null).parse(row.reason),
  }));
}
