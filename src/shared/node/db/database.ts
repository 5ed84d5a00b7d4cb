/**
 * The connection pool to PostgreSQL. With the time limits, a frozen database causes an error within three seconds. The pool
 * keeps no minimum of connections, so the next query after a restart of the database opens a new one.
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
    ...knexSnakeCaseMappers(), // camelCase in the code, snake_case in the database
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
        closeWhenUnanswered(connection);
        done(null, connection);
      },
    },
  });
}

/** The part of pg's connection that is used here, with the callbacks that knex uses. */
interface PoolConnection {
  query(statement: unknown, callback: (error: Error | null, result: unknown) => void): unknown;
  connection: { stream: { destroy(): void } };
}

/**
 * Closes the connection when a statement gets no answer in time. The database may still run the statement. If it opens a
 * transaction, the next user of the connection would work inside that transaction and lose all changes.
 */
function closeWhenUnanswered(connection: PoolConnection): void {
  const query = connection.query.bind(connection);
  connection.query = (statement, callback) =>
    query(statement, (error, result) => {
      if (error?.message === 'Query read timeout') connection.connection.stream.destroy();
      callback(error, result);
    });
}

/** Writes Knex's own messages (such as a broken connection) to our log instead of the console. */
function knexLog(log: Log): Knex.Logger {
  return {
    warn: (message: unknown) => log.warn({ knex: String(message) }, 'the database client warns'),
    error: (message: unknown) => log.warn({ knex: String(message) }, 'the database client reports an error'),
    deprecate: (method: string, alternative: string) => log.debug({ method, alternative }, 'deprecated in knex'),
    debug: (message: unknown) => log.trace({ knex: message }, 'knex'),
  };
}
