/** Computers that wait for a person to confirm them. Each change is one statement, so two of them cannot both win. */

import { createHash } from 'node:crypto';

import type { Transaction } from 'objection';

import type { Database } from './database.ts';

type Db = Database | Transaction;

interface Row {
  deviceCodeHash: string;
  userCode: string;
  name: string;
  address: string;
  state: 'pending' | 'confirmed' | 'refused';
  userId: string | null;
  intervalSeconds: number;
  createdAt: Date;
  expiresAt: Date;
  polledAt: Date | null;
}

const table = (db: Db) => db<Row>('device_logins');

/** @returns `false` when another computer has this user code now */
export async function insertDeviceLogin(
  db: Db,
  {
    deviceCode,
    ...row
  }: { deviceCode: string } & Pick<Row, 'userCode' | 'name' | 'address' | 'intervalSeconds'> & {
      createdAt: Date;
      expiresAt: Date;
    },
): Promise<boolean> {
  const rows = await table(db)
    .insert({ ...row, deviceCodeHash: hash(deviceCode) })
    .onConflict('userCode')
    .ignore()
    .returning('userCode');
  return rows.length === 1;
}

/** The computer that waits with this user code. */
export async function findWaitingDevice(
  db: Db,
  { userCode, now }: { userCode: string; now: Date },
): Promise<Pick<Row, 'name' | 'address' | 'createdAt'> | null> {
  const row = await table(db)
    .where({ userCode, state: 'pending' })
    .where('expiresAt', '>', now)
    .first('name', 'address', 'createdAt');
  return row ?? null;
}

/** @returns `false` when nobody waits with this user code, because it has expired or was decided before */
export async function decideDeviceLogin(
  db: Db,
  decision: { userCode: string; now: Date } & ({ state: 'confirmed'; userId: string } | { state: 'refused' }),
): Promise<boolean> {
  const { userCode, now, ...change } = decision;
  const count = await table(db).where({ userCode, state: 'pending' }).where('expiresAt', '>', now).update(change);
  return count === 1;
}

/** Removes the logins that this person has confirmed and that no computer has taken yet. */
export async function deleteDeviceLoginsOf(db: Db, userId: string): Promise<void> {
  await table(db).where({ userId }).delete();
}

/** Removes the login if a person has confirmed it, and returns this person. Nobody else gets them. */
export async function takeConfirmedLogin(
  db: Db,
  { deviceCode, now }: { deviceCode: string; now: Date },
): Promise<{ userId: string; name: string } | null> {
  const [row] = await table(db)
    .where({ deviceCodeHash: hash(deviceCode), state: 'confirmed' })
    .where('expiresAt', '>', now)
    .delete()
    .returning(['userId', 'name']);
  return row?.userId ? { userId: row.userId, name: row.name } : null;
}

/**
 * Records that the computer has asked. Who asks before its interval is over has to wait for `slowerBySeconds` longer from now on.
 * @returns `null` when the login has expired or is not known
 */
export async function recordPoll(
  db: Db,
  { deviceCode, now, slowerBySeconds }: { deviceCode: string; now: Date; slowerBySeconds: number },
): Promise<{ state: Row['state']; intervalSeconds: number; isTooEarly: boolean } | null> {
  const isTooEarly = "polled_at is not null and polled_at + interval_seconds * interval '1 second' > ?";
  const { rows } = await db.raw<{ rows: { state: Row['state']; interval: number; before: number }[] }>(
    `update device_logins as login
     set polled_at = ?, interval_seconds = login.interval_seconds + case when ${isTooEarly} then ? else 0 end
     from (select id, interval_seconds as before from device_logins where device_code_hash = ? for update) as known
     where login.id = known.id and login.expires_at > ?
     returning login.state, login.interval_seconds as interval, known.before`,
    [now, now, slowerBySeconds, hash(deviceCode), now],
  );
  const [row] = rows;
  if (!row) return null;
  return { state: row.state, intervalSeconds: row.interval, isTooEarly: row.interval > row.before };
}

export async function deleteDeviceLogin(db: Db, deviceCode: string): Promise<void> {
  await table(db)
    .where({ deviceCodeHash: hash(deviceCode) })
    .delete();
}

/** Deletes what has expired, at most `limit`. */
export async function pruneDeviceLogins(db: Db, { now, limit = 10_000 }: { now: Date; limit?: number }): Promise<void> {
  await db('device_logins')
    .whereIn('id', db('device_logins').select('id').where('expiresAt', '<=', now).limit(limit))
    .delete();
}

// The secret has 256 random bits, so it cannot be guessed from a hash without salt.
function hash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
