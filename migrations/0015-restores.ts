import type { Knex } from 'knex';

/**
 * `data_id` says in which database these rows were last used, and `restores` counts how often they were found in another one:
 * after a restore from a backup. Then all numbers that order things are raised.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table installation
      add column data_id text,
      add column restores integer not null default 0;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table installation drop column data_id, drop column restores');
}
