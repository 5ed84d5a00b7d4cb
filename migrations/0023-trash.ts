import type { Knex } from 'knex';

/**
 * A project in the trash has no pod and keeps its volume. `trashed_at` is when its owner put it there. `trash_seconds` is for how long
 * workers have seen it there, and `trash_days_left` is what people see of it. A name in the trash may be used again.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table projects
      add column if not exists trashed_at timestamptz,
      add column if not exists trash_seconds bigint not null default 0,
      add column if not exists trash_days_left integer;
    drop index if exists projects_live_name;
    create unique index projects_live_name on projects (owner_id, lower(name))
      where desired_state <> 'deleted' and trashed_at is null;
    create index if not exists projects_in_trash on projects (trashed_at) where trashed_at is not null and deleted_at is null;
  `);
}

/** Older versions do not know the two kinds of lines of the timeline. Two projects may have one name only while one of them is in the trash, so the one in the trash gets another. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    update project_events set kind = 'updated' where kind in ('trash-requested', 'restore-requested');
    update projects set name = left(name, 60) || ' ' || id where trashed_at is not null and desired_state <> 'deleted';
    drop index if exists projects_in_trash;
    drop index if exists projects_live_name;
    alter table projects
      drop column if exists trashed_at,
      drop column if exists trash_seconds,
      drop column if exists trash_days_left;
    create unique index projects_live_name on projects (owner_id, lower(name)) where desired_state <> 'deleted';
  `);
}
