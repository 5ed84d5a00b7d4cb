import type { Knex } from 'knex';

/**
 * Renames columns to the terms of `docs/glossary.md`. A failed step of a start was stored as `trouble`, and is `failed` now.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table projects rename column request_id to idempotency_key;
    alter table projects rename column parked_generation to failed_generation;
    alter table projects rename column next to next_step;
    alter index projects_request rename to projects_idempotency_key;
    alter index projects_lagging rename to projects_pending;
    alter table leases rename column seen_at to observed_at;
    alter table sessions rename column last_seen_at to last_used_at;
    update projects set progress = replace(progress::text, '"state": "trouble"', '"state": "failed"')::jsonb
      where progress::text like '%"state": "trouble"%';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    update projects set progress = replace(progress::text, '"state": "failed"', '"state": "trouble"')::jsonb
      where progress::text like '%"state": "failed"%';
    alter table sessions rename column last_used_at to last_seen_at;
    alter table leases rename column observed_at to seen_at;
    alter index projects_pending rename to projects_lagging;
    alter index projects_idempotency_key rename to projects_request;
    alter table projects rename column next_step to next;
    alter table projects rename column failed_generation to parked_generation;
    alter table projects rename column idempotency_key to request_id;
  `);
}
