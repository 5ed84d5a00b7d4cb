/** The part of a worker that follows agent runs, with short times, without a cluster. As a program it runs until it is killed. */

import { fileURLToPath } from 'node:url';

import { systemClock } from '../../src/shared/clock.ts';
import { createAccessKeys } from '../../src/shared/node/access/credentials.ts';
import { createDatabase } from '../../src/shared/node/db/database.ts';
import { createLog } from '../../src/shared/node/log.ts';
import { createRedis } from '../../src/shared/node/redis.ts';
import { createStatusPublisher } from '../../src/shared/node/status-stream.ts';
import { createWorkerMetrics } from '../../src/worker/metrics.ts';
import type { RunTimes } from '../../src/worker/runs/decide-run.ts';
import { startRuns } from '../../src/worker/runs/start-runs.ts';

/** As the secret of `gateway-system.ts`, which needs the test runner. */
const accessSecret = 'an access secret of tests, longer than 32 characters';

/** An agent that was killed is recognised soon. */
const usualTimes: RunTimes = {
  settleMs: 500,
  interruptedMs: 1_500,
  neverBegunMs: 20_000,
  abortMs: 30_000,
  noAnswerMs: 60_000,
};
const takeover = { lockMs: 3_000, stalledCheckMs: 1_000 };

export interface RunWorker {
  stop(): Promise<void>;
}

export function startRunWorker({
  databaseUrl,
  redisUrl,
  times = usualTimes,
}: {
  databaseUrl: string;
  redisUrl: string;
  times?: RunTimes;
}): RunWorker {
  const log = createLog({ name: 'test-runs', level: process.env['TEST_LOG_LEVEL'] ?? 'silent' });
  const db = createDatabase(databaseUrl, { poolSize: 5 });
  const producer = createRedis(redisUrl, { purpose: 'producer', log });
  const blocking = createRedis(redisUrl, { purpose: 'blocking', log });
  const stopping = new AbortController();
  const runs = startRuns(
    {
      db,
      producer,
      blocking,
      log,
      times,
      takeover,
      publisher: createStatusPublisher({ redis: producer, log }),
      accessKeys: createAccessKeys({ secret: accessSecret, previousSecret: null }),
      metrics: createWorkerMetrics(),
      clock: systemClock,
      random: Math.random,
    },
    stopping.signal,
  );
  const sweeping = runs.sweep(stopping.signal);
  async function stop(): Promise<void> {
    stopping.abort();
    await Promise.all([runs.stop(), sweeping]);
    producer.disconnect();
    blocking.disconnect();
    await db.destroy();
  }
  let stopped: Promise<void> | null = null;
  return { stop: () => (stopped ??= stop()) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  startRunWorker({ databaseUrl: process.env['DATABASE_URL'] ?? '', redisUrl: process.env['REDIS_URL'] ?? '' });
  process.stdout.write('ready');
}
