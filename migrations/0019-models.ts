import type { Knex } from 'knex';

/**
 * Keys of people for model providers, and what was used. Keys are encrypted: see `shared/node/models/key-encryption.ts`. `model_catalogue`
 * is what the gateway publishes about providers; it contains no key. A cost is in millionths of a US dollar, and only of the requests
 * whose price was known. Usage of a run stays when its task is deleted.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table installation add column model_catalogue jsonb;

    create table model_keys (
      user_id uuid not null references users (id) on delete cascade,
      provider text not null,
      encrypted text not null,
      last_four text not null,
      created_at timestamptz not null default now(),
      primary key (user_id, provider)
    );

    create table model_usage (
      day date not null,
      user_id uuid not null references users (id) on delete cascade,
      project_id uuid not null references projects (id) on delete cascade,
      run_id uuid,
      provider text not null,
      model text not null,
      key_owner text not null check (key_owner in ('installation', 'person')),
      requests bigint not null,
      unmeasured_requests bigint not null,
      unpriced_requests bigint not null,
      input_tokens bigint not null,
      cached_input_tokens bigint not null,
      cache_write_tokens bigint not null,
      output_tokens bigint not null,
      cost_micros bigint not null
    );
    create unique index model_usage_key on model_usage (
      user_id, day, project_id, provider, model, key_owner, (coalesce(run_id, '00000000-0000-0000-0000-000000000000'))
    );
    create index model_usage_by_day on model_usage (day);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table model_usage;
    drop table model_keys;
    alter table installation drop column model_catalogue;
  `);
}
