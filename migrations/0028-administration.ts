import type { Knex } from 'knex';

/**
 * `project_defaults` is what the person has chosen for new projects.
 *
 * `admin_group` is the group of administrators (ADMIN_GROUP) that the issuer named at the last sign-in of the person.
 *
 * `audit_entries` says who did what, and how it ended. The actor is kept as a text too, because people may be removed.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table users
      add column if not exists admin_group text,
      add column if not exists project_defaults jsonb not null default '{}';
    alter table installation
      add column if not exists announcement text,
      add column if not exists is_draining boolean not null default false;
    create table if not exists audit_entries (
      id bigint generated always as identity primary key,
      at timestamptz not null default now(),
      actor_id uuid references users (id) on delete set null,
      actor text not null,
      via text not null check (via in ('session', 'token', 'issuer-token')),
      action text not null,
      outcome text not null,
      details jsonb not null default '{}',
      request_id text not null
    );
    create index if not exists audit_entries_by_time on audit_entries (at);
    create index if not exists audit_entries_by_actor on audit_entries (actor_id, id);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table if exists audit_entries;
    alter table installation drop column if exists announcement, drop column if exists is_draining;
    alter table users drop column if exists admin_group, drop column if exists project_defaults;
  `);
}
