/** Every version that a project's row ever had, as the database itself noted it: sampling would miss those in between. */

import type { Database } from '../../src/shared/node/db/database.ts';

export interface RowVersion {
  version: number;
  status: string;
  reason: string;
  podUid: string | null;
}

/** Notes every change of a project from now on. The function that it returns gives those of one project, oldest first. */
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
    create function note_row() returns trigger language plpgsql as $$
    begin
      insert into row_history (project_id, version, status, reason, pod_uid)
      values (new.id, new.status_version, new.status, new.reason, new.pod_uid);
      return null;
    end $$;
    create trigger note_row after update on projects for each row execute function note_row();
  `);
  return async (projectId) => {
    const select = `
      select version, status, reason, pod_uid as "podUid"
      from row_history where project_id = ? order by id`;
    const { rows } = await db.raw<{ rows: RowVersion[] }>(select, [projectId]);
    return rows;
  };
}
