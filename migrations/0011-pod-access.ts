import type { Knex } from 'knex';

/** The address of the pod and the key of its credentials, which the gateway needs. The tickets that were used, until they expire. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table projects add column pod_ip text, add column access_key_id text;
    create table used_tickets (
      id uuid primary key,
      expires_at timestamptz not null
    );
    create index used_tickets_expires_at on used_tickets (expires_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table used_tickets;
    alter table projects drop column pod_ip, drop column access_key_id;
  `);
}
