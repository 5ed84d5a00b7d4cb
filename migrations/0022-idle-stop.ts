import type { Knex } from 'knex';

/**
 * A project that nobody uses is stopped. `idle_stop` is when, as people set it. `idle_stop_in_minutes` counts down to the stop.
 * `idle_stopped_after_minutes` says that the last stop was one, until the next command.
 *
 * `project_use` changes often and nobody sees it, so it is not part of the row that people receive with each change. `uses` rises
 * with each use that is not seen by the session proxy; `observed` is what the session proxy has counted.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table projects
      add column if not exists idle_stop text not null default 'default'
        check (idle_stop in ('default', 'never', '30m', '1h', '4h', '8h', '1d', '7d')),
      add column if not exists idle_stop_in_minutes integer,
      add column if not exists idle_stopped_after_minutes integer;
    create table if not exists project_use (
      project_id uuid primary key references projects (id) on delete cascade,
      uses bigint not null default 0,
      idle_seconds integer not null default 0,
      observed text
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table if exists project_use;
    alter table projects
      drop column if exists idle_stop,
      drop column if exists idle_stop_in_minutes,
      drop column if exists idle_stopped_after_minutes;
  `);
}
