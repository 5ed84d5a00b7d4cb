import type { Knex } from 'knex';

/**
 * Tasks on the board of a project, and runs of the agent. `attempt` is the number of the newest runner of a run: an older runner
 * may write nothing. A task has at most one run that has not ended. Transcripts are large and change often, so they are not
 * part of the row that people receive with each change.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table tasks (
      id uuid primary key,
      project_id uuid not null references projects (id) on delete cascade,
      idempotency_key text,
      title text not null,
      description text not null default '',
      state text not null default 'TODO'
        check (state in ('TODO', 'IN_PROGRESS', 'AI_REVIEW', 'HUMAN_REVIEW', 'DONE')),
      position text collate "C" not null,
      priority text not null default 'normal' check (priority in ('low', 'normal', 'high', 'urgent')),
      version bigint not null default 1,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
    create unique index tasks_request on tasks (project_id, idempotency_key) where idempotency_key is not null;
    create index tasks_board on tasks (project_id, state, position, id);

    create table runs (
      id uuid primary key,
      seq bigint generated always as identity unique,
      task_id uuid not null references tasks (id) on delete cascade,
      project_id uuid not null references projects (id) on delete cascade,
      continues_run_id uuid references runs (id) on delete set null,
      idempotency_key text not null,
      prompt text not null,
      desired_state text not null default 'running' check (desired_state in ('running', 'aborted')),
      state text not null default 'queued' check (state in (
        'queued', 'waiting-for-project', 'running', 'waiting-for-answer', 'succeeded', 'failed', 'aborted'
      )),
      message text not null,
      opencode_session_id text,
      message_id text,
      answers jsonb not null default '{}',
      pending jsonb not null default '[]',
      todos jsonb not null default '[]',
      usage jsonb not null,
      diff jsonb,
      attempt integer not null default 0,
      version bigint not null default 1,
      created_at timestamptz not null default now(),
      started_at timestamptz,
      ended_at timestamptz,
      updated_at timestamptz not null default now(),
      unique (task_id, idempotency_key),
      check ((state in ('succeeded', 'failed', 'aborted')) = (ended_at is not null))
    );
    create unique index runs_active on runs (task_id) where ended_at is null;
    create index runs_by_task on runs (task_id, seq desc);
    create index runs_unended on runs (seq) where ended_at is null;
    create index runs_unended_by_project on runs (project_id) where ended_at is null;

    create table run_transcripts (
      run_id uuid primary key references runs (id) on delete cascade,
      messages jsonb not null,
      truncated boolean not null,
      read_at timestamptz not null default now()
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table run_transcripts; drop table runs; drop table tasks;');
}
