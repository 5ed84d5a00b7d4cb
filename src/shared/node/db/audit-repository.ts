/** The audit log: who did what, and how it ended. Entries are only added and, when they are old enough, deleted. */

import type { Transaction } from 'objection';

import type { AuditEntry, AuditPage } from '../../contract/admin.ts';
import type { Database } from './database.ts';
import { containing } from './like-pattern.ts';

type Db = Database | Transaction;

export type NewAuditEntry = Omit<AuditEntry, 'id' | 'at' | 'actorId' | 'actor'> & { actorId: string };

interface AuditRow {
  id: string;
  at: Date;
  actorId: string | null;
  actor: string;
  via: AuditEntry['via'];
  action: string;
  outcome: string;
  details: Record<string, string>;
  requestId: string;
}

/** Adds an entry with the name and the address that the person has now. */
export async function appendAuditEntry(db: Db, entry: NewAuditEntry): Promise<void> {
  await db.raw(
    `insert into audit_entries (actor_id, actor, via, action, outcome, details, request_id)
     select id, case when email is null then name else name || ' (' || email || ')' end, ?, ?, ?, ?::jsonb, ? from users where id = ?`,
    [entry.via, entry.action, entry.outcome, JSON.stringify(entry.details), entry.requestId, entry.actorId],
  );
}

/** The newest first. `cursor`: the id of the last entry of the page before. */
export async function listAuditEntries(
  db: Database,
  { search, before, cursor, limit }: { search: string; before: string | null; cursor: string | null; limit: number },
): Promise<AuditPage> {
  const query = db<AuditRow>('audit_entries')
    .orderBy('id', 'desc')
    .limit(limit + 1);
  if (cursor !== null) void query.where('id', '<', cursor);
  if (before !== null) void query.where('at', '<', before);
  if (search !== '') {
    const pattern = containing(search);
    void query.where(
      (either) =>
        void either
          .whereILike('actor', pattern)
          .orWhereILike('action', pattern)
          .orWhereILike('outcome', pattern)
          .orWhereRaw('details::text ilike ?', [pattern]),
    );
  }
  const rows = await query;
  const items = rows.slice(0, limit).map(({ at, ...row }) => ({ ...row, at: at.toISOString() }));
  return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
}

/** Deletes up to `limit` entries that are older than `days`. Returns their number. */
export function pruneAuditEntries(db: Database, { days, limit }: { days: number; limit: number }): Promise<number> {
  const old = db('audit_entries')
    .select('id')
    .whereRaw("at < now() - ? * interval '1 day'", [days])
    .orderBy('id')
    .limit(limit);
  return db('audit_entries').whereIn('id', old).delete();
}
