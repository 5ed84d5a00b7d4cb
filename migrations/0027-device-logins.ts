import type { Knex } from 'knex';

/** Computers that wait for a person who confirms that they may act in the name of this person. Rows live for ten minutes. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table device_logins (
      id uuid primary key default gen_random_uuid(),
      device_code_hash text not null unique,
      user_code text not null unique,
      name text not null,
      address text not null,
      state text not null default 'pending' check (state in ('pending', 'confirmed', 'refused')),
      user_id uuid references users (id) on delete cascade,
      interval_seconds integer not null,
      created_at timestamptz not null,
      expires_at timestamptz not null,
      polled_at timestamptz,
      check ((state = 'confirmed') = (user_id is not null))
    );
    create index device_logins_expires_at on device_logins (expires_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table device_logins;');
}
