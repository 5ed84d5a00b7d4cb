/** Recognises the errors of pg, knex and Node that mean: the database does not answer. */

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

/**
 * PostgreSQL's SQLSTATE codes: connection exceptions, wrong credentials, missing database, insufficient resources, operator
 * intervention (shutdown, statement timeout), and transaction conflicts that may be tried again.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const sqlStates = /^(08...|28...|3D000|53...|57...|25P03|40001|40P01|55P03)$/;

/** Messages of pg and knex about time limits and lost connections; these errors have no code. */
const messages =
  /query read timeout|timeout expired|timeout exceeded when trying to connect|connection terminated|acquiring a connection|not queryable|client was closed/i;

/** An UNAVAILABLE error if `error` or one of its causes means that the database does not answer; otherwise `null`. */
export function outageOf(error: unknown): AppError | null {
  let current = error;
  for (let depth = 0; depth < 5 && current instanceof Error; depth += 1) {
    const { code, nativeError } = current as { code?: unknown; nativeError?: unknown };
    const known = typeof code === 'string' && (networkCodes.has(code) || sqlStates.test(code));
    if (known || current.name === 'KnexTimeoutError' || messages.test(current.message)) {
      return new AppError('UNAVAILABLE', 'The database does not answer right now. Try again in a few seconds.', {
        retryAfterSeconds: 2,
        cause: error,
      });
    }
    current = nativeError ?? current.cause;
  }
  return null;
}
