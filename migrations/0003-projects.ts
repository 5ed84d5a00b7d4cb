import type { Knex } from 'knex';

/**
 * `seq` orders projects by creation, because times lose their microseconds in JavaScript.
 * A project is live until its owner requests its deletion. Only live projects count for names and quota.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table projects (
      id uuid primary key,
      seq bigint generated always as identity unique,
      owner_id uuid not null references users (id),
      request_id text,
      name text not null,
      description text not null default '',
      repo_url text,
      desired_state text not null default 'running'
        check (desired_state in ('running', 'stopped', 'deleted')),
      status text not null default 'initializing'
        check (status in ('initializing', 'ready', 'stopping', 'stopped', 'error', 'deleting', 'archived')),
      generation integer not null default 1,
      observed_generation integer not null default 0,
      pod_generation integer not null default 1,
      parked_generation integer,
      namespace text not null,
      pod_name text not null unique,
      workspace_pvc_name text not null unique,
      phase text check (phase in ('Pending', 'Running', 'Succeeded', 'Failed', 'Unknown')),
      reason text,
      message text,
      containers jsonb not null default '[]',
      pod_uid text,
      pod_created_at timestamptz,
      pod_error text,
      pod_error_code text,
      status_version bigint not null default 1,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      deleted_at timestamptz,
      check ((status = 'archived') = (deleted_at is not null))
    );
    create unique index projects_live_name on projects (owner_id, lower(name)) where desired_state <> 'deleted';
    create unique index projects_request on projects (owner_id, request_id) where request_id is not null;
    create index projects_newest on projects (owner_id, seq desc);
    create index projects_by_name on projects (owner_id, lower(name), seq desc);
    create index projects_lagging on projects (updated_at) where observed_generation < generation;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table projects;');
}
