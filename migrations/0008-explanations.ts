import type { Knex } from 'knex';

/** The details of a reason: the next step, who must act, since when, the progress of a start, and the raw text. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table projects
      add column next text,
      add column actor text not null default 'nobody' check (actor in ('nobody', 'owner', 'administrator')),
      add column retryable boolean not null default false,
      add column reason_since timestamptz,
      add column progress jsonb,
      add column evidence jsonb not null default '[]';
    alter table project_events add column reason text;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table project_events drop column reason;
    alter table projects
      drop column next,
      drop column actor,
      drop column retryable,
      drop column reason_since,
      drop column progress,
      drop column evidence;
  `);
}
