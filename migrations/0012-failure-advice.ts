import type { Knex } from 'knex';

/** What to do about the last failed attempt, and who: the advice of the diagnosis, which its reason alone does not give. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table projects add column pod_error_advice jsonb');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table projects drop column pod_error_advice');
}
