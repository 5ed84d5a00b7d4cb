/** Whether this server can do its work, with a message for each dependency. It answers within two seconds. */

import type { Redis } from 'ioredis';

import type { Freshness } from '../../shared/contract/events.ts';
import { checkDatabase, databaseProblem } from '../../shared/node/db/database-check.ts';
import type { Database } from '../../shared/node/db/database.ts';
import { checkRedis, redisProblem } from '../../shared/node/redis-check.ts';

interface Check {
  ok: boolean;
  message: string;
}

export interface Readiness {
  /** `degraded`: the database answers, so reads and commands work, but the status on the screen may be late. */
  status: 'ok' | 'degraded' | 'down';
  checks: { database: Check; redis: Check; watch: Check };
}

const checkMs = 1_500;

export function createReadiness({
  db,
  redis,
  freshness,
  isStopping,
}: {
  db: Database;
  redis: Redis;
  freshness: () => Freshness;
  isStopping: () => boolean;
}): () => Promise<Readiness> {
  return async () => {
    const [database, queue] = await Promise.all([
      check('PostgreSQL', () => checkDatabase(db), databaseProblem),
      check('Redis', () => checkRedis(redis), redisProblem),
    ]);
    const watch = describe(freshness());
    const isDown = !database.ok || isStopping();
    return {
      status: isDown ? 'down' : queue.ok && watch.ok ? 'ok' : 'degraded',
      checks: {
        database: isStopping() ? { ok: false, message: 'The server is stopping.' } : database,
        redis: queue.ok
          ? queue
          : { ok: false, message: `${queue.message} Commands are saved and run later; status may be late.` },
        watch,
      },
    };
  };
}

/** @param describeFailure a sentence that contains no address, because this page is public */
async function check(
  name: string,
  work: () => Promise<unknown>,
  describeFailure: (error: unknown) => string,
): Promise<Check> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => limit.reject(new Error(`no answer within ${checkMs} ms`)), checkMs);
  const working = work();
  working.catch(() => undefined); // it may fail after the time limit
  try {
    await Promise.race([working, limit.promise]);
    return { ok: true, message: `${name} answers.` };
  } catch (error) {
    return { ok: false, message: describeFailure(error) };
  } finally {
    clearTimeout(timer);
  }
}

function describe({ state, asOf }: Freshness): Check {
  switch (state) {
    case 'live':
      return { ok: true, message: 'The worker watches the cluster.' };
    case 'delayed':
      return { ok: false, message: `The worker sends no heartbeats; status is as of ${asOf ?? 'never'}.` };
    case 'unreachable':
      return { ok: false, message: `The cluster does not answer the worker; status is as of ${asOf ?? 'never'}.` };
  }
}
