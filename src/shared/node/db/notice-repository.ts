/** What administrators tell everybody, in the one row of the installation. */

import type { Transaction } from 'objection';

import type { Notice } from '../../contract/admin.ts';
import { AppError } from '../../contract/errors.ts';
import type { Database } from './database.ts';

type Db = Database | Transaction;

export async function readNotice(db: Db): Promise<Notice> {
  const row = await db<Notice>('installation').first('announcement', 'isDraining');
  return row ?? { announcement: null, isDraining: false };
}

export async function writeNotice(db: Db, notice: Notice): Promise<void> {
  await db('installation').update(notice);
}

/** @throws AppError ILLEGAL_STATE while the administrators let no project start */
export async function requireStartsAllowed(db: Db): Promise<void> {
  const notice = await readNotice(db);
  if (notice.isDraining) throw startsRefused(notice);
}

export function startsRefused({ announcement }: Notice): AppError {
  const why = announcement === null ? '' : ` They say: ${announcement}`;
  const message = `The administrators let no project start at the moment. Projects that run keep running.${why}`;
  return new AppError('ILLEGAL_STATE', message);
}
