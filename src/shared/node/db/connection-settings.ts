/**
 * The settings of each connection that the code relies on. They are part of the start of the connection, so a pooler either
 * passes them, refuses them, or ignores them. In the last two cases a program does not start, and says so in one sentence.
 */

import type { Knex } from 'knex';

import { AppError } from '../../contract/errors.ts';

/** pg reads times only in the style ISO. */
const settings = { TimeZone: 'UTC', DateStyle: 'ISO, MDY', IntervalStyle: 'postgres' };

/** A schema of its own is possible with `?options=-c%20search_path%3Dname` in DATABASE_URL, which is read last. */
const startOptions = Object.entries({ ...settings, search_path: 'public' })
  .map(([name, value]) => `-c ${name}=${value.replace(' ', '')}`)
  .join(' ');

/** What pg needs to connect to this address with our settings. pg itself always sets the encoding UTF8. */
export function connectionSettings(databaseUrl: string): { connectionString: string; options: string } {
  const url = URL.parse(databaseUrl);
  const given = url?.searchParams.get('options') ?? null;
  if (url === null || given === null) return { connectionString: databaseUrl, options: startOptions };
  url.searchParams.delete('options'); // pg would use it instead of ours
  return { connectionString: url.href, options: `${startOptions} ${given}` };
}

const advice =
  'Let DATABASE_URL lead to PostgreSQL itself, or see "Behind a connection pooler" in docs/operations/supported.md.';

/** @throws AppError UNAVAILABLE if text or times could be stored or read wrongly, or statements have no time limit */
export async function assertSettings(db: Knex): Promise<void> {
  const names = [...Object.keys(settings), 'statement_timeout', 'client_encoding', 'server_encoding'];
  const columns = names.map((name) => `current_setting('${name}') as "${name}"`).join(', ');
  const { rows } = await db.raw<{ rows: Record<string, string>[] }>(`select ${columns}`);
  const found = rows[0] ?? {};
  // SQL_ASCII stores the bytes of UTF-8 unchanged.
  if (!['UTF8', 'SQL_ASCII'].includes(found['server_encoding'] ?? '')) {
    const message = `The database stores text as ${found['server_encoding']}. Create it again with ENCODING 'UTF8'.`;
    throw new AppError('UNAVAILABLE', message);
  }
  const expected = { ...settings, client_encoding: 'UTF8' };
  const ignored = Object.entries(expected).filter(([name, value]) => found[name] !== value);
  const wrong = ignored.map(([name]) => name).concat(found['statement_timeout'] === '0' ? ['statement_timeout'] : []);
  if (wrong.length > 0) {
    throw new AppError(
      'UNAVAILABLE',
      `The database ignores the settings of our connections: ${wrong.join(', ')}. ${advice}`,
    );
  }
}

/** An UNAVAILABLE error if a pooler refused our settings; otherwise `null`. */
export function poolerRefusalOf(error: unknown): AppError | null {
  const [, name] = /unsupported startup parameter:? "?(\w+)/i.exec(String(error)) ?? [];
  if (name === undefined) return null;
  return new AppError('UNAVAILABLE', `A connection pooler refuses the setting ${name}. ${advice}`, { cause: error });
}
