/** Leases, measured by the database's clock, so that the clocks of the processes do not matter. */

import type { Database } from './database.ts';

/** The holder of this lease is the watch leader. */
export const watchLeaseName = 'cluster-watch';

export interface Lease {
  name: string;
  holder: string;
  epoch: number;
}

/** Acquires the lease if it is free, expired or already ours; otherwise `null`. Each acquisition raises the epoch. */
export async function acquireLease(
  db: Database,
  options: { name: string; holder: string; ttlMs: number },
): Promise<Lease | null> {
  const { rows } = await db.raw<{ rows: { epoch: string }[] }>(
    `insert into leases as lease (name, holder, epoch, expires_at)
     values (:name, :holder, 1, now() + :ttlMs * interval '1 millisecond')
     on conflict (name) do update
       set holder = excluded.holder, epoch = lease.epoch + 1, expires_at = excluded.expires_at,
             reachable = null
       where lease.expires_at < now() or lease.holder = excluded.holder
     returning epoch`,
    { ...options },
  );
  return rows[0] ? { name: options.name, holder: options.holder, epoch: Number(rows[0].epoch) } : null;
}

/** The holder's last observation; both are `null` before the first observation. */
export interface WatchObservation {
  reachable: boolean | null;
  /** ISO time on the holder's clock; `null` before the first observation. */
  observedAt: string | null;
}

/** Renews a lease that is still ours. `false`: another process holds it, so stop everything that it guards. */
export async function renewLease(
  db: Database,
  lease: Lease,
  options: { ttlMs: number } & WatchObservation,
): Promise<boolean> {
  const count = await db('leases')
    .where({ name: lease.name, holder: lease.holder, epoch: lease.epoch })
    .update({
      expires_at: db.raw("now() + ? * interval '1 millisecond'", [options.ttlMs]),
      reachable: options.reachable,
      observed_at: options.observedAt,
    });
  return count === 1;
}

/** The last observation of the current watch leader, or `null` if there is none. */
export async function readWatchObservation(db: Database): Promise<WatchObservation | null> {
  const row = await db<{ name: string; reachable: boolean | null; observedAt: Date | null }>('leases')
    .where({ name: watchLeaseName })
    .whereRaw('expires_at > now()')
    .first('reachable', 'observedAt');
  return row ? { reachable: row.reachable, observedAt: row.observedAt?.toISOString() ?? null } : null;
}

/** Releases the lease at once, so that the next holder does not wait until it expires. */
export async function releaseLease(db: Database, lease: Lease): Promise<void> {
  await db('leases')
    .where({ name: lease.name, holder: lease.holder, epoch: lease.epoch })
    .update({ expires_at: db.raw("now() - interval '1 second'") });
}
