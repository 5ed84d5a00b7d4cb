import type { Knex } from 'knex';

/** When a session was last used. People look for sessions on the settings page that are not their own. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table sessions add column last_seen_at timestamptz not null default now();
    update sessions set last_seen_at = created_at;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table sessions drop column last_seen_at;');
}
