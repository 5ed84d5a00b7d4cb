import type { Knex } from 'knex';

/**
 * `size` is what a person chose; null is the default of the installation. The administrator defines what a size means, so there is no
 * list of them here. `storage` is how large the volume was asked for, as a quantity of Kubernetes. It never changes. Null: the project
 * was created while the installation had no sizes.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table projects
      add column if not exists size text,
      add column if not exists storage text;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table projects drop column if exists size, drop column if exists storage;');
}
