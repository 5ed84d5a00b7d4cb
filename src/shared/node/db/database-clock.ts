/**
 * The clock of the database, which all servers and gateways share. What one of them signs with an end, another one checks, and
 * the ends of sessions and tokens are written by the database. The clocks of the machines themselves may differ by hours.
 */

import type { Clock } from '../../clock.ts';
import { createLimitedWarn } from '../log-limit.ts';
import type { Log } from '../log.ts';
import { runPeriodically } from '../periodic.ts';
import type { Database } from './database.ts';

export interface DatabaseClock extends Clock {
  /** Asks the database once. Until the first answer, this machine's clock counts. */
  measure(): Promise<void>;
  /** Asks the database now and then, because it may step or move. Runs until the signal aborts, and never rejects. */
  follow(signal: AbortSignal): Promise<void>;
}

/** Shorter than a ticket is valid. */
const intervalMs = 10_000;
/** A difference that comes from the measurement alone is none. */
const toleranceMs = 1_000;

/** @param deps.clock the clock of this machine. Its monotonic time is trusted, its date is not */
export function createDatabaseClock({ db, clock, log }: { db: Database; clock: Clock; log: Log }): DatabaseClock {
  /** The date of the database minus our monotonic time. A step of our date changes nothing. */
  let offsetMs: number | null = null;

  async function measure(): Promise<void> {
    const askedAt = clock.monotonic();
    const { rows } = await db.raw<{ rows: { ms: string }[] }>(
      'select extract(epoch from clock_timestamp()) * 1000 as ms',
    );
    const middle = (askedAt + clock.monotonic()) / 2;
    if (rows[0]) offsetMs = Number(rows[0].ms) - middle;
  }

  const warn = createLimitedWarn(log);
  return {
    monotonic: () => clock.monotonic(),
    now() {
      const own = clock.now();
      if (offsetMs === null) return own;
      const databases = offsetMs + clock.monotonic();
      return Math.abs(databases - own) < toleranceMs ? own : Math.round(databases);
    },
    measure,
    follow: (signal) =>
      runPeriodically(
        {
          task: measure,
          intervalMs,
          onError: (error) =>
            warn(String(error), { error: String(error) }, 'the database did not tell its time; asking again'),
        },
        signal,
      ),
  };
}
