import type { Knex } from 'knex';

/** The size that the pod of a project was created with. Null: there is no pod, or the worker has not observed it since. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table projects add column if not exists pod_size text;');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table projects drop column if exists pod_size;');
}
