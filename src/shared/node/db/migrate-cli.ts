/** `npm run migrate [-- down]`: migrates the database that DATABASE_URL names, or undoes its newest migration. */

import process from 'node:process';

import { z } from 'zod';

import { parseEnvironment } from '../environment.ts';
import { migrateDown, migrateToLatest } from './migrate.ts';

const { DATABASE_URL } = parseEnvironment(
  z.object({ DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }) }),
  process.env,
);
const direction = process.argv[2] ?? 'up';

try {
  if (direction !== 'up' && direction !== 'down') throw new Error('Use "up" (the default) or "down".');
  const names = await (direction === 'up' ? migrateToLatest(DATABASE_URL) : migrateDown(DATABASE_URL));
  const done = direction === 'up' ? 'Applied' : 'Undid';
  process.stdout.write(names.length > 0 ? `${done} ${names.join(', ')}.\n` : 'Nothing to do.\n');
} catch (error) {
  process.stderr.write(`Migration failed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
