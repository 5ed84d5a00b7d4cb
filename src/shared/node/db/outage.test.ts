import { describe, expect, it } from 'vitest';

import { outageOf } from './outage.ts';

const failure = (message: string, fields: object = {}) => Object.assign(new Error(message), fields);

describe('an outage of the database', () => {
  it.each([
    failure('connect ECONNREFUSED', { code: 'ECONNREFUSED' }),
    failure('Connection terminated unexpectedly'),
    failure('Query read timeout'),
    failure('timeout expired'),
    failure('canceling statement due to statement timeout', { code: '57014' }),
    failure('the database system is shutting down', { code: '57P03' }),
    failure('sorry, too many clients already', { code: '53300' }),
    failure('Knex: Timeout acquiring a connection. The pool is probably full.', { name: 'KnexTimeoutError' }),
    failure('wrapped', { nativeError: failure('reset', { code: 'ECONNRESET' }) }),
    failure('wrapped', { cause: failure('reset', { code: 'ECONNRESET' }) }),
    failure('cannot execute INSERT in a read-only transaction', { code: '25006' }),
    failure('could not extend file: No space left on device', { code: '53100' }),
    failure('database is not currently accepting connections', { code: '55000' }),
    failure('relation does not exist', { code: '42P01' }),
    failure('permission denied for table', { code: '42501' }),
    failure('could not read block', { code: '58030' }),
    new AggregateError([], 'all addresses', { cause: failure('x', { code: 'ECONNREFUSED' }) }),
  ])('is recognised in "$message" and names the time to wait', (error) => {
    expect(outageOf(error)).toMatchObject({ code: 'UNAVAILABLE', retryAfterSeconds: 2 });
  });

  it.each([
    ['25006', /read-only/],
    ['53100', /disk.*full/],
    ['53300', /connection/],
    ['57P03', /starting or stopping/],
    ['42P01', /table.*migrations/],
    ['42501', /privilege/],
  ])('with the code %s says its cause', (code, cause) => {
    expect(outageOf(failure('refused', { code }))?.message).toMatch(cause);
  });

  it.each([
    failure('duplicate key value', { code: '23505' }),
    failure('syntax error', { code: '42601' }),
    new TypeError('x is not a function'),
    'timeout expired',
    null,
  ])('is not recognised in %s', (error) => {
    expect(outageOf(error)).toBeNull();
  });
});
