import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table users (
      id uuid primary key default gen_random_uuid(),
      oidc_subject text not null unique,
      email text,
      name text not null,
      picture text,
      created_at timestamptz not null default now(),
      last_login_at timestamptz not null default now()
    );
    create table sessions (
      id uuid primary key default gen_random_uuid(),
      user_id uuid not null references users (id) on delete cascade,
      user_agent text,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null,
      revoked_at timestamptz
    );
    create index sessions_by_user on sessions (user_id, created_at desc);
    create index sessions_by_expiry on sessions (expires_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table sessions; drop table users;');
}
