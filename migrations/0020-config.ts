import type { Knex } from 'knex';

/**
 * The versions of what people configure for OpenCode in a project. `config_version` is the newest one. `config_apply_version` is
 * set from the command to apply a version to the pod that runs until a worker has carried it out.
 *
 * A run knows since when it waits for an answer. The row of its project counts such runs, so that lists of projects show them.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table config_versions (
      project_id uuid not null references projects (id) on delete cascade,
      version integer not null,
      document text not null,
      rules text not null,
      comment text not null default '',
      restored_from integer,
      author_id uuid references users (id) on delete set null,
      created_at timestamptz not null default now(),
      primary key (project_id, version)
    );
    alter table runs add column waiting_since timestamptz;
    update runs set waiting_since = updated_at where state = 'waiting-for-answer';

    alter table projects
      add column config_version integer not null default 0,
      add column config_apply_version integer,
      add column answer_limit_minutes integer not null default 30 check (answer_limit_minutes between 1 and 10080),
      add column waiting_runs integer not null default 0,
      add column waiting_since timestamptz;
    create index projects_config_apply on projects (seq) where config_apply_version is not null;
    update projects set waiting_runs = waiting.number, waiting_since = waiting.since
      from (
        select project_id, count(*) as number, min(waiting_since) as since
          from runs where waiting_since is not null group by project_id
      ) as waiting
     where waiting.project_id = projects.id;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index projects_config_apply;
    alter table projects drop column config_version, drop column config_apply_version;
    alter table projects drop column answer_limit_minutes, drop column waiting_runs, drop column waiting_since;
    alter table runs drop column waiting_since;
    drop table config_versions;
  `);
}
