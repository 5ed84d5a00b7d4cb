/** The database as tests prepare and read it. This file does not depend on vitest. */

import { createDatabase, type Database } from '../../src/shared/node/db/database.ts';

/** As `createDatabase`, with more time: a test must not fail because other tests keep the machine busy. */
export function openTestDatabase(url: string, options: { poolSize?: number } = {}): Database {
  return createDatabase(url, { ...options, limits: { connectMs: 15_000, statementMs: 15_000, answerMs: 20_000 } });
}
