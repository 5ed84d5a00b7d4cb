import type { Knex } from 'knex';

/** Each new holder raises `epoch`. A write that names an older epoch is refused. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table leases (
      name text primary key,
      holder text not null,
      epoch bigint not null,
      expires_at timestamptz not null
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table leases;');
}
