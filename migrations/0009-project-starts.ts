import type { Knex } from 'knex';

/**
 * Finished starts, from which the usual duration is computed. A row is written once, when the project becomes ready. A
 * project that lost its pod starts again in the same generation, so the time of the start identifies it.
 * The index on `project_events` is for pruning the timeline by age.
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
