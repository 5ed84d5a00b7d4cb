import type { Knex } from 'knex';

/**
 * Every start that came to its end, for what is usual here: written once, when the project becomes ready. A project that
 * lost its pod starts again within the same generation, so the beginning of the start is what makes it one.
 * The timeline is pruned by age.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table project_starts (
      id bigint generated always as identity primary key,
      project_id uuid not null references projects (id) on delete cascade,
      generation integer not null,
      started_at timestamptz not null,
      ready_at timestamptz not null,
      steps_ms jsonb not null,
      unique (project_id, started_at)
    );
    create index project_starts_newest on project_starts (ready_at desc);
    create index project_events_oldest on project_events (at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index project_events_oldest;
    drop table project_starts;
  `);
}
