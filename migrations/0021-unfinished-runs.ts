import type { Knex } from 'knex';

/**
 * `unfinished_attempts` counts the runners in a row that began to follow a run and neither ended nor lasted, because their worker
 * died or stopped answering.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table runs add column if not exists unfinished_attempts integer not null default 0');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table runs drop column if exists unfinished_attempts');
}
