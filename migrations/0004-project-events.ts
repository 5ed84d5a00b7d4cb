import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table project_events (
      id bigint generated always as identity primary key,
      project_id uuid not null references projects (id) on delete cascade,
      at timestamptz not null default now(),
      kind text not null,
      actor_id uuid references users (id),
      message text not null
    );
    create index project_events_by_project on project_events (project_id, id desc);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table project_events;');
}
