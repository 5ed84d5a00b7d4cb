/**
 * The connection to PostgreSQL. The time limits make a frozen server an error within three seconds, not a hang, and
 * an empty minimum pool makes a restarted one a matter of the next query.
 */

import knex, { type Knex } from 'knex';
import { knexSnakeCaseMappers } from 'objection';

import type { Log } from '../log.ts';

export type Database = Knex;

export function createDatabase(
  url: string,
  options: { poolSize?: number; applicationName?: string; log?: Log } = {},
): Database {
  return knex({
    client: 'pg',
    ...(options.log ? { log: knexLog(options.log) } : {}),
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
    pool: {
      min: 0,
      max: options.poolSize ?? 10,
      idleTimeoutMillis: 30_000,
      afterCreate(connection: PoolConnection, done: (error: null, connection: PoolConnection) => void) {
        endWhenUnanswered(connection);
        done(null, connection);
      },
    },
  });
}

/** As much of pg's connection as is used here, in the form in which knex uses it. */
interface PoolConnection {
  query(statement: unknown, callback: (error: Error | null, result: unknown) => void): unknown;
  connection: { stream: { destroy(): void } };
}

/**
 * Ends the connection with the first statement that gets no answer in time. The server may still carry it out, and if it
 * opens a transaction, whoever had the connection next would work in there and lose all of it, or find it aborted.
 */
function endWhenUnanswered(connection: PoolConnection): void {
  const query = connection.query.bind(connection);
  connection.query = (statement, callback) =>
    query(statement, (error, result) => {
      if (error?.message === 'Query read timeout') connection.connection.stream.destroy();
      callback(error, result);
    });
}

/** Knex's own words (a connection broke) as lines of our log instead of bare text on the console. */
function knexLog(log: Log): Knex.Logger {
  return {
    warn: (message: unknown) => log.warn({ knex: String(message) }, 'the database client warns'),
    error: (message: unknown) => log.warn({ knex: String(message) }, 'the database client reports an error'),
    deprecate: (method: string, alternative: string) => log.debug({ method, alternative }, 'deprecated in knex'),
    debug: (message: unknown) => log.trace({ knex: message }, 'knex'),
  };
}
