/** Cursors of the lists of administrators: opaque to callers, and checked when a caller sends them back. */

import { z } from 'zod';

import { AppError } from '../../shared/contract/errors.ts';
import { parseJson } from '../../shared/parse-json.ts';

const positionSchema = z.strictObject({ name: z.string().max(1_000), id: z.uuid() });
type PersonPosition = z.infer<typeof positionSchema>;

export function encodePersonCursor({ name, id }: PersonPosition): string {
  return Buffer.from(JSON.stringify({ name, id })).toString('base64url');
}

/** @throws AppError VALIDATION_FAILED with field `cursor` */
export function decodePersonCursor(cursor: string): PersonPosition {
  const position = positionSchema.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString('utf8')));
  if (!position.success || position.data.name.includes('\0')) throw wrongCursor();
  return position.data;
}

/** @throws AppError VALIDATION_FAILED with field `cursor` */
export function numberCursor(cursor: string): string {
  if (!/^[1-9]\d{0,17}$/.test(cursor)) throw wrongCursor(); // below 2^63, PostgreSQL's largest bigint
  return cursor;
}

function wrongCursor(): AppError {
  const message = 'This is not a cursor of this list. Start from the first page, without a cursor.';
  return new AppError('VALIDATION_FAILED', message, { fields: { cursor: message } });
}
