import type { Knex } from 'knex';

/**
 * A person is an issuer and a subject: another issuer may use the same subject for another person. The first server that
 * starts afterwards writes its issuer to the rows from before, because migrations do not know the issuer.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table users add column oidc_issuer text;
    alter table users drop constraint users_oidc_subject_key;
    alter table users add constraint users_issuer_subject unique (oidc_issuer, oidc_subject);
  `);
}

/** Fails, and changes nothing, if two issuers have used the same subject: the older version would make them one person. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table users add constraint users_oidc_subject_key unique (oidc_subject);
    alter table users drop constraint users_issuer_subject;
    alter table users drop column oidc_issuer;
  `);
}
