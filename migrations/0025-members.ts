import type { Knex } from 'knex';

/**
 * The people with whom projects are shared. A null role: the person was removed, and open pages still have to learn it; such a row is
 * deleted after an hour. `projects.members` is the same as a map by user id, so that whoever reads the row of a project knows who may
 * do what at this version. One function writes both, in one transaction.
 *
 * A project is shared by an e-mail address, and only with an address that the issuer has confirmed. Nobody's is until they sign in again.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table if not exists project_members (
      project_id uuid not null references projects (id) on delete cascade,
      user_id uuid not null references users (id) on delete cascade,
      role text check (role in ('viewer', 'editor')),
      created_at timestamptz not null default now(),
      changed_at timestamptz not null default now(),
      primary key (project_id, user_id)
    );
    create index if not exists project_members_by_user on project_members (user_id, project_id);
    alter table projects add column if not exists members jsonb not null default '{}';
    alter table users add column if not exists email_verified boolean not null default false;
    create index if not exists users_by_verified_email on users (lower(email)) where email_verified;
  `);
}

/** Older versions do not know the two kinds of lines of the timeline. Nobody but the owner can use a shared project any more. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    update project_events set kind = 'updated' where kind in ('shared', 'unshared');
    drop index if exists users_by_verified_email;
    alter table users drop column if exists email_verified;
    alter table projects drop column if exists members;
    drop table if exists project_members;
  `);
}
