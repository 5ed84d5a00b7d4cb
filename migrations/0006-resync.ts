import type { Knex } from 'knex';

/**
 * What the owner of the watch last saw of the cluster, beside its lease: servers read it while Redis is away.
 * The installation's id is borne by its pods, so that none of another installation in the same namespace is ever removed.
 * The sweep and the resync go through the rows by `seq`, and each server compares the versions of its owners: none of them
 * may cost more for all that was ever deleted.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table leases
      add column reachable boolean,
      add column seen_at timestamptz;
    create table installation (
      id uuid not null default gen_random_uuid(),
      only_one boolean primary key default true check (only_one)
    );
    insert into installation default values;
    drop index projects_lagging;
    create index projects_lagging on projects (seq) where observed_generation < generation;
    create index projects_unarchived on projects (seq) where deleted_at is null;
    create index projects_compared on projects (owner_id, deleted_at) include (id, status_version);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index projects_compared;
    drop index projects_unarchived;
    drop index projects_lagging;
    create index projects_lagging on projects (updated_at) where observed_generation < generation;
    drop table installation;
    alter table leases drop column reachable, drop column seen_at;
  `);
}
