/**
 * The connection pool to PostgreSQL. With the time limits, a frozen database causes an error within three seconds: the wait
 * for a connection and the first statement on it share one limit. The pool
 * keeps no minimum of connections, so the next query after a restart of the database opens a new one. Connections to a
 * database that has turned read-only leave the pool, because the writable one may answer at the same address.
 */

import knex, { type Knex } from 'knex';
import { knexSnakeCaseMappers } from 'objection';

import { createLimitedWarn, type LimitedWarn } from '../log-limit.ts';
import type { Log } from '../log.ts';
import { connectionSettings } from './connection-settings.ts';
import { fullDiskState, outageOf, readOnlyState } from './outage.ts';

export type Database = Knex;

export interface DatabaseLimits {
  /**
   * For opening a connection. It is longer than a statement waits: a connection that opens late serves the next statement.
   * Otherwise an overloaded machine would open connections again and again, and use none.
   */
  connectMs: number;
  /** After this time the server cancels a statement. */
  statementMs: number;
  /** For a connection and the first statement on it together. The server does not react at all when it takes longer. */
  answerMs: number;
}

const defaultLimits: DatabaseLimits = { connectMs: 5_000, statementMs: 2_000, answerMs: 2_200 };

export function createDatabase(
  url: string,
  options: { poolSize?: number; applicationName?: string; log?: Log; limits?: DatabaseLimits } = {},
): Database {
  const { connectMs, statementMs, answerMs } = options.limits ?? defaultLimits;
  const warn = options.log ? createLimitedWarn(options.log) : () => undefined;
  const memory: RefusalMemory = { last: null };
  const prepare = createConnectionGuard(warn, memory);
  const db = knex({
    client: 'pg',
    ...(options.log ? { log: knexLog(options.log, warn) } : {}),
    ...knexSnakeCaseMappers(), // camelCase in the code, snake_case in the database
    connection: {
      ...connectionSettings(url),
      application_name: options.applicationName ?? 'opencode-project-manager',
      connectionTimeoutMillis: connectMs,
      query_timeout: answerMs,
      statement_timeout: statementMs,
      idle_in_transaction_session_timeout: 5_000,
      keepAlive: true,
    },
    acquireConnectionTimeout: answerMs,
    pool: {
      min: 0,
      max: options.poolSize ?? 10,
      idleTimeoutMillis: 30_000,
      afterCreate(connection: PoolConnection, done: (error: null, connection: PoolConnection) => void) {
        prepare(connection);
        done(null, connection);
      },
    },
  });
  shareLimitWithWait(db.client as PoolClient, answerMs); // knex has no type for its client
  refusals.set(db, memory);
  return db;
}

/** The last refusal because of a full disk. A change that succeeds afterwards makes it `null`. */
interface RefusalMemory {
  last: { atMs: number; error: Error } | null;
}

const refusals = new WeakMap<Database, RefusalMemory>();
/** A full disk refuses some changes only, so a check that changes little may pass. */
const refusalCountsMs = 10_000;

/** The error of a change that was refused in the last ten seconds because the disk is full, if none succeeded since. */
export function recentFullDisk(db: Database): Error | null {
  const last = refusals.get(db)?.last;
  return last && performance.now() - last.atMs < refusalCountsMs ? last.error : null;
}

/** The part of knex's client that is used here. */
interface PoolClient {
  acquireConnection(): Promise<PoolConnection>;
}

/** Gives the first statement on a connection only the time that the wait for this connection has left. */
function shareLimitWithWait(client: PoolClient, answerMs: number): void {
  const acquire = client.acquireConnection.bind(client);
  client.acquireConnection = async () => {
    const askedAtMs = performance.now();
    const connection = await acquire();
    connection.firstAnswerByMs = askedAtMs + answerMs;
    return connection;
  };
}

/** The part of pg's connection that is used here, with the callbacks that knex uses. */
interface PoolConnection {
  query(statement: unknown, callback: (error: Error | null, result: unknown) => void): unknown;
  connection: { stream: { destroy(): void } };
  once(event: 'end', listener: () => void): unknown;
  /** When the next statement must have its answer, by `performance.now()`. It is `null` for later statements. */
  firstAnswerByMs?: number | null;
  /** Knex closes a connection that has this field instead of using it again, and logs its text. */
  __knex__disposed?: string;
}

/** After a statement that found the database read-only, no connection of the pool is used again. Not more often than this. */
const readOnlyPauseMs = 1_000;

/** @returns watches the answers on a new connection: some end this connection, and some all that are open */
function createConnectionGuard(warn: LimitedWarn, memory: RefusalMemory): (connection: PoolConnection) => void {
  const open = new Set<PoolConnection>();
  let replacedAtMs = -Infinity;
  function replaceAll(): void {
    if (performance.now() - replacedAtMs < readOnlyPauseMs) return;
    replacedAtMs = performance.now();
    // oxlint-disable-next-line no-underscore-dangle -- the name is Knex's
    for (const connection of open) connection.__knex__disposed = 'the database was read-only';
  }
  return (connection) => {
    open.add(connection);
    connection.once('end', () => open.delete(connection));
    closeWhenUnanswered(connection);
    limitFirstStatement(connection);
    onAnswer(connection, (error, result) => {
      if (!error) {
        if (hasChanged(result)) memory.last = null;
        return;
      }
      if (error.code === readOnlyState) replaceAll();
      if (error.code === fullDiskState) memory.last = { atMs: performance.now(), error };
      const outage = outageOf(error);
      if (outage) warn(outage.message, { error: String(error), code: error.code }, outage.message);
    });
  };
}

function onAnswer(
  connection: PoolConnection,
  listener: (error: (Error & { code?: string }) | null, result: unknown) => void,
): void {
  const query = connection.query.bind(connection);
  connection.query = (statement, callback) =>
    query(statement, (error, result) => {
      listener(error, result);
      callback(error, result);
    });
}

/** Whether the result of pg is that of a statement that has changed rows. */
function hasChanged(result: unknown): boolean {
  const { command, rowCount } = (result ?? {}) as { command?: string; rowCount?: number | null };
  return command !== undefined && command !== 'SELECT' && (rowCount ?? 0) > 0;
}

/**
 * Closes the connection when a statement gets no answer in time. The database may still run the statement. If it opens a
 * transaction, the next user of the connection would work inside that transaction and lose all changes.
 */
function closeWhenUnanswered(connection: PoolConnection): void {
  const query = connection.query.bind(connection);
  connection.query = (statement, callback) =>
    query(statement, (error, result) => {
      if (error?.message === 'Query read timeout') {
        // oxlint-disable-next-line no-underscore-dangle -- the name is Knex's
        connection.__knex__disposed = 'the database did not answer in time';
        connection.connection.stream.destroy();
      }
      callback(error, result);
    });
}

function limitFirstStatement(connection: PoolConnection): void {
  const query = connection.query.bind(connection);
  connection.query = (statement, callback) => {
    const { firstAnswerByMs } = connection;
    connection.firstAnswerByMs = null;
    if (!firstAnswerByMs || typeof statement !== 'object' || statement === null) return query(statement, callback);
    const leftMs = Math.max(1, Math.ceil(firstAnswerByMs - performance.now()));
    return query({ ...statement, query_timeout: leftMs }, callback);
  };
}

/** Writes Knex's own messages (such as a broken connection) to our log instead of the console. */
function knexLog(log: Log, warn: LimitedWarn): Knex.Logger {
  const limited = (message: unknown) =>
    warn(conditionOf(String(message)), { knex: String(message) }, 'the database client warns');
  return {
    warn: limited,
    error: limited,
    deprecate: (method: string, alternative: string) => log.debug({ method, alternative }, 'deprecated in knex'),
    debug: (message: unknown) => log.trace({ knex: message }, 'knex'),
  };
}

/** Each connection that ends causes a message, and the text depends on what closed it first. All of them are one condition. */
function conditionOf(message: string): string {
  return message.startsWith('Connection Error:') ? 'a connection has ended' : message;
}
