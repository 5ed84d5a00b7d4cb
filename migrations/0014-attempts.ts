import type { Knex } from 'knex';

/**
 * `attempt` is the number of the newest attempt at the project: an older attempt may write nothing. `unfinished_attempts` counts
 * the attempts in a row that did not end, because their worker died.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table projects
      add column attempt integer not null default 0,
      add column unfinished_attempts integer not null default 0;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table projects drop column attempt, drop column unfinished_attempts');
}
