import type { Knex } from 'knex';

/**
 * The lease stores the watch leader's last observation, which servers read while Redis is unavailable.
 * Pods carry the id of their installation, so that pods of another installation in the same namespace are never deleted.
 * The sweep and the resync read rows by `seq`, and each server compares the versions of its owners. The indexes keep these
 * reads independent of the number of deleted projects.
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
