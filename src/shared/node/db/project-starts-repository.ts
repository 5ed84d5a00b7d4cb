/** Finished starts of projects, and how long recent starts usually took. */

import type { Knex } from 'knex';
import type { Transaction } from 'objection';
import { z } from 'zod';

import type { StartProgress, StartStepName, UsualStart } from '../../contract/diagnosis.ts';
import type { Database } from './database.ts';

type Db = Database | Transaction;

/** The usual duration is computed from at most this many starts of the last days; the cluster may have changed since. */
const samples = 200;
const usualStartDays = 14;

export interface FinishedStart {
  generation: number;
  startedAt: string;
  readyAt: string;
  /** How long each step took; steps with an unknown end are missing. */
  stepsMs: Partial<Record<StartStepName, number>>;
}

/** The start that this progress describes, or `null` if it is not finished. */
export function finishedStart(generation: number, progress: StartProgress): FinishedStart | null {
  if (!progress.readyAt) return null;
  const stepsMs: FinishedStart['stepsMs'] = {};
  for (const { name, startedAt, finishedAt } of progress.steps) {
    if (startedAt && finishedAt) stepsMs[name] = Math.max(0, Date.parse(finishedAt) - Date.parse(startedAt));
  }
  const { startedAt, readyAt } = progress;
  return { generation, startedAt, readyAt, stepsMs };
}

/**
 * The INSERT of a start, as part of a statement in which `changed` is the changed row of the project, if it was changed.
 * Returns a row only for a new start, because each start counts once.
 */
export function insertStartOfChanged(db: Db, start: FinishedStart): Knex.Raw {
  return db.raw(
    `insert into project_starts (project_id, generation, started_at, ready_at, steps_ms)
     select id, ?::integer, ?::timestamptz, ?::timestamptz, ?::jsonb from changed
     on conflict (project_id, started_at) do nothing
     returning id`,
    [start.generation, start.startedAt, start.readyAt, JSON.stringify(start.stepsMs)],
  );
}

const usualRowSchema = z.object({
  medianMs: z.coerce.number().nullable(),
});

/** For the whole installation; the result does not reveal whose starts they were. */
export async function readUsualStart(db: Db): Promise<UsualStart> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `select round(percentile_cont(0.5) within group (order by took)) as "medianMs"
     from (
       select greatest(0, extract(epoch from ready_at - started_at) * 1000)::double precision as took
       from project_starts
       where ready_at > now() - ? * interval '1 day'
       order by ready_at desc
       limit ?
     ) as last_starts`,
    [usualStartDays, samples],
  );
  return usualRowSchema.parse(rows[0]);
}

/** Deletes up to `limit` starts that are too old to count. Returns their number. */
export function pruneStarts(db: Db, options: { limit: number }): Promise<number> {
  return db('project_starts')
    .whereIn(
      'id',
      db('project_starts')
        .select('id')
        .whereRaw("ready_at < now() - ? * interval '1 day'", [usualStartDays])
        .orderBy('ready_at')
        .limit(options.limit),
    )
    .delete();
}
