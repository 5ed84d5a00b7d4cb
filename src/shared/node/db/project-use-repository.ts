/**
 * For how long projects are unused: reads and writes of `project_use`. Times are durations that a worker has measured, so no clock is
 * compared with another one. The caller has checked whose project it is.
 */

import type { Transaction } from 'objection';

import type { Database } from './database.ts';
import { projectRecordSchema, type ProjectRecord } from './project-record.ts';

type Db = Database | Transaction;

/** What is stored about the use of a project. */
export interface StoredUse {
  /** Rises with each use that {@link recordUse} records. */
  uses: number;
  /** For how long the project is known to be unused. */
  idleSeconds: number;
  /** What the session proxy had counted then; `null`: not known. */
  observed: string | null;
}

/** Somebody uses the project now. */
export async function recordUse(db: Db, projectId: string): Promise<void> {
  await db.raw(
    `insert into project_use (project_id, uses) values (?, 1)
     on conflict (project_id) do update set uses = project_use.uses + 1, idle_seconds = 0, observed = null`,
    [projectId],
  );
}

/** Nothing is written if the project was used, or another worker has written, after `before` was read. */
export async function storeIdleness(
  db: Db,
  projectId: string,
  { before, idleSeconds, observed }: Omit<StoredUse, 'uses'> & { before: StoredUse },
): Promise<void> {
  await db.raw(
    `insert into project_use (project_id, uses, idle_seconds, observed) values (?, ?, ?, ?)
     on conflict (project_id) do update set idle_seconds = excluded.idle_seconds, observed = excluded.observed
       where project_use.uses = excluded.uses and project_use.idle_seconds = ?`,
    [projectId, before.uses, idleSeconds, observed, before.idleSeconds],
  );
}

/** A project that may have to be stopped, or whose countdown may have to end. */
export interface IdleCandidate {
  project: ProjectRecord;
  stored: StoredUse;
  /** A run has not ended: it works, or waits for something. */
  hasRun: boolean;
}

/** A page by `seq` of projects that run and are ready, and of those that count down. */
export async function listIdleCandidates(
  db: Database,
  options: { includeDefault: boolean; afterSeq: number; limit: number },
): Promise<IdleCandidate[]> {
  const excluded = options.includeDefault ? ['never'] : ['never', 'default'];
  const rows = await db('projects')
    .leftJoin('project_use as used', 'used.project_id', 'projects.id')
    .where('projects.seq', '>', options.afterSeq)
    .whereRaw(
      `(projects.idle_stop_in_minutes is not null
        or (projects.status = 'ready' and projects.desired_state = 'running' and projects.idle_stop <> all (?::text[])))`,
      [excluded],
    )
    .orderBy('projects.seq')
    .limit(options.limit)
    .select<Record<string, unknown>[]>('projects.*', 'used.uses', 'used.idle_seconds', 'used.observed')
    .select(db.raw('exists (select 1 from runs where project_id = projects.id and ended_at is null) as has_run'));
  return rows.map(({ uses, idleSeconds, observed, hasRun, ...row }) => ({
    project: projectRecordSchema.parse(row),
    stored: {
      uses: Number(uses ?? 0),
      idleSeconds: Number(idleSeconds ?? 0),
      observed: typeof observed === 'string' ? observed : null,
    },
    hasRun: hasRun === true,
  }));
}
