/** Recognises the errors of pg, knex and Node that mean: the database does not answer, or refuses for now. */

import { AppError } from '../../contract/errors.ts';

/** Node's error codes for a connection that cannot be opened or is broken. */
const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT', // a Unix socket that does not exist
]);

/** The SQLSTATE of a statement that changes data in a read-only database, such as a standby after a failover. */
export const readOnlyState = '25006';
/** The SQLSTATE of a statement that needs more room on the disk than there is. */
export const fullDiskState = '53100';

const silence = 'The database does not answer right now. Try again in a few seconds.';

/**
 * PostgreSQL's SQLSTATE codes that say nothing about the statement, and what to say about each. The first match counts. The
 * last one: connection exceptions, wrong credentials, missing database, insufficient resources, operator intervention
 * (shutdown, statement timeout), failures of the system, and transaction conflicts that may be tried again.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const sqlStates: [RegExp, string][] = [
  [/^25006$/, 'The database is read-only right now. Try again later; an administrator has to make it writable.'],
  [/^53100$/, 'The disk of the database is full. Try again later; an administrator has to make room.'],
  [/^53300$/, 'The database has no free connection right now. Try again in a few seconds.'],
  [/^55000$/, 'The database accepts no connections right now. Try again later; an administrator has to allow them.'],
  [/^57P0[1-3]$/, 'The database is starting or stopping right now. Try again in a few seconds.'],
  [/^(42P01|3F000)$/, 'The database lacks a table. Try again later; an administrator has to run the migrations.'],
  [/^42501$/, 'The database refuses a privilege. Try again later; an administrator has to grant it.'],
  [/^(08...|28...|3D000|53...|57...|58...|25P03|40001|40P01|55P03)$/, silence],
];

/** Messages of pg and knex about time limits and lost connections; these errors have no code. */
const messages =
  /query read timeout|timeout expired|timeout exceeded when trying to connect|connection terminated|acquiring a connection|not queryable|client was closed/i;

/** An UNAVAILABLE error if `error` or one of its causes means that the database does not answer or refuses; otherwise `null`. */
export function outageOf(error: unknown): AppError | null {
  let current = error;
  for (let depth = 0; depth < 5 && current instanceof Error; depth += 1) {
    const { nativeError } = current as { nativeError?: unknown };
    const message = messageFor(current);
    if (message !== null) return new AppError('UNAVAILABLE', message, { retryAfterSeconds: 2, cause: error });
    current = nativeError ?? current.cause;
  }
  return null;
}

function messageFor(error: Error): string | null {
  const { code } = error as { code?: unknown };
  const state = typeof code === 'string' ? sqlStates.find(([pattern]) => pattern.test(code)) : undefined;
  if (state) return state[1];
  const isSilence =
    (typeof code === 'string' && networkCodes.has(code)) ||
    error.name === 'KnexTimeoutError' ||
    messages.test(error.message);
  return isSilence ? silence : null;
}
