/** The timeline: append-only. */
import type { Transaction } from 'objection';

import { activityKindSchema, type ActivityEntry, type ActivityKind } from '../../contract/activity.ts';
import { reasonCodeSchema, type ReasonCode } from '../../contract/reasons.ts';
import type { Database } from './database.ts';
import { ProjectEventModel } from './models.ts';

type Db = Database | Transaction;

export async function appendProjectEvent(
  db: Db,
  event: { projectId: string; kind: ActivityKind; actorId: string | null; message: string; reason?: ReasonCode | null },
): Promise<void> {
  await ProjectEventModel.query(db).insert(event);
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
