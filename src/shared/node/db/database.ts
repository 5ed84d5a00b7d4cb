/**
 * The connection to PostgreSQL. The time limits make a frozen server an error within three seconds, not a hang, and
 * an empty minimum pool makes a restarted one a matter of the next query.
 */
import knex, { type Knex } from 'knex';
import { knexSnakeCaseMappers } from 'objection';

export type Database = Knex;

export function createDatabase(url: string, options: { poolSize?: number; applicationName?: string } = {}): Database {
  return knex({
    client: 'pg',
    ...knexSnakeCaseMappers(), // camelCase here, snake_case there
    connection: {
      connectionString: url,
      application_name: options.applicationName ?? 'opencode-project-manager',
      connectionTimeoutMillis: 1_000,
      query_timeout: 2_500,
      statement_timeout: 2_000,
      idle_in_transaction_session_timeout: 5_000,
      keepAlive: true,
    },
    acquireConnectionTimeout: 2_500,
    pool: { min: 0, max: options.poolSize ?? 10, idleTimeoutMillis: 30_000 },
  });
}
