import type { Knex } from 'knex';

/**
 * Each task works on a branch of its own, in a worktree of its own. `runs.workspace` says where a run works; `null`: not decided yet.
 * `task_changes` stores what the branch of a task changes, so that it can be read while the project is stopped. A command on a
 * branch, such as accept, has the task for itself until `review_until`.
 * Runs that have begun before this migration work in the folder of the project.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table projects add column ai_review boolean not null default false;
    alter table tasks
      add column branch text,
      add column review_until timestamptz;
    alter table runs
      add column kind text not null default 'work' check (kind in ('work', 'review')),
      add column reviews_run_id uuid references runs (id) on delete set null,
      add column workspace jsonb,
      add column is_saved boolean not null default false,
      add column verdict jsonb;
    update runs set workspace = '{"kind": "project", "cause": "older"}' where opencode_session_id is not null;

    create table task_changes (
      task_id uuid primary key references tasks (id) on delete cascade,
      state text not null check (state in ('open', 'accepted', 'discarded')),
      branch text not null,
      base_commit text,
      head_commit text,
      merge_commit text,
      files jsonb not null,
      patches jsonb not null,
      file_count integer not null,
      is_truncated boolean not null,
      uncommitted integer not null,
      problem text,
      read_at timestamptz not null default now()
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table task_changes;
    delete from runs where kind = 'review';
    alter table runs
      drop column kind, drop column reviews_run_id, drop column workspace, drop column is_saved, drop column verdict;
    alter table tasks drop column branch, drop column review_until;
    alter table projects drop column ai_review;
  `);
}
