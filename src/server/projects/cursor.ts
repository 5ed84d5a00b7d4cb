/** Cursors of lists: opaque to callers, and checked when a caller sends them back. */

import { z } from 'zod';

import { AppError } from '../../shared/contract/errors.ts';
import type { ProjectSort } from '../../shared/contract/project.ts';
import type { ListPosition } from '../../shared/node/db/projects-repository.ts';
import { parseJson } from '../../shared/parse-json.ts';

const positionSchema = z.strictObject({
  sort: z.enum(['createdAt', 'name']),
  seq: z.int().positive(),
  name: z.string().regex(/^[a-z0-9 _-]{1,100}$/),
});

/** The cursor for the page after this project, in a list of this sort. */
export function encodeCursor(sort: ProjectSort, last: { name: string; seq: number }): string {
  return Buffer.from(JSON.stringify({ sort, seq: last.seq, name: last.name.toLowerCase() })).toString('base64url');
}

/**
 * Where the previous page ended.
 * @throws AppError VALIDATION_FAILED with field `cursor` if it is not a cursor of a list with this sort
 */
export function decodeCursor(sort: ProjectSort, cursor: string): ListPosition {
  const position = positionSchema.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString('utf8')));
  if (position.success && position.data.sort === sort) return { seq: position.data.seq, name: position.data.name };
  throw wrongCursor('This is not a cursor of this list. Start from the first page, without a cursor.');
}

/**
 * The id of the entry where the previous page of the timeline ended.
 * @throws AppError VALIDATION_FAILED with field `cursor`
 */
export function decodeActivityCursor(cursor: string): string {
  if (/^[1-9]\d{0,17}$/.test(cursor)) return cursor; // below 2^63, PostgreSQL's largest bigint
  throw wrongCursor('This is not a cursor of this timeline. Start from the first page, without a cursor.');
}

function wrongCursor(message: string): AppError {
  return new AppError('VALIDATION_FAILED', message, { fields: { cursor: message } });
}
