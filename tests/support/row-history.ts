/** Records every version of a project's row with a trigger, because polling would miss versions. */

import type { Database } from '../../src/shared/node/db/database.ts';

export interface RowVersion {
  version: number;
  status: string;
  reason: string;
  podUid: string | null;
}

/** Records every change from now on. The returned function gives the versions of one project, oldest first. */
export async function recordRows(db: Database): Promise<(projectId: string) => Promise<RowVersion[]>> {
  await db.raw(`
    create table row_history (
      id bigint generated always as identity,
      project_id uuid not null,
      version int not null,
      status text not null,
      reason text not null,
      pod_uid text
    );
    create function record_row() returns trigger language plpgsql as $$
    begin
      insert into row_history (project_id, version, status, reason, pod_uid)
      values (new.id, new.status_version, new.status, new.reason, new.pod_uid);
      return null;
    end $$;
    -- The number of the newest attempt changes without a new version, because people see nothing of it.
    create trigger record_row after update on projects for each row
      when (old.attempt = new.attempt and old.unfinished_attempts = new.unfinished_attempts)
      execute function record_row();
  `);
  return async (projectId) => {
    const select = `
      select version, status, reason, pod_uid as "podUid"
      from row_history where project_id = ? order by id`;
    const { rows } = await db.raw<{ rows: RowVersion[] }>(select, [projectId]);
    return rows;
  };
}
