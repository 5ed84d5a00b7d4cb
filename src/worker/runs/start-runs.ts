/** Builds and starts what follows agent runs in one worker: the runner, the jobs of its queue, and the watch of the rows. */

import type { Redis } from 'ioredis';

import type { Clock } from '../../shared/clock.ts';
import type { AccessKeys } from '../../shared/node/access/credentials.ts';
import type { Database } from '../../shared/node/db/database.ts';
import { createLimitedWarn } from '../../shared/node/log-limit.ts';
import type { Log } from '../../shared/node/log.ts';
import { createRunQueue } from '../../shared/node/run-queue.ts';
import type { StatusPublisher } from '../../shared/node/status-stream.ts';
import type { WorkerMetrics } from '../metrics.ts';
import { runTimes, type RunTimes } from './decide-run.ts';
import { createRowWatch } from './row-watch.ts';
import { startRunConsumer, type TakeoverTimes } from './run-consumer.ts';
import { sweepRuns } from './run-sweep.ts';
import { createRunner } from './runner.ts';

export interface RunsDeps {
  db: Database;
  /** For commands to Redis. */
  producer: Redis;
  /** For the jobs, whose reads block. */
  blocking: Redis;
  publisher: StatusPublisher;
  /** `null`: this installation has no ACCESS_SECRET. */
  accessKeys: Pick<AccessKeys, 'credential'> | null;
  metrics: Pick<WorkerMetrics, 'corrected' | 'followedRuns'>;
  log: Log;
  clock: Clock;
  random: () => number;
  times?: RunTimes | undefined;
  takeover?: TakeoverTimes | undefined;
}

export interface Runs {
  /** Gives a job to each run that has lost its own, until `signal` aborts. Only the watch leader calls it. */
  sweep(signal: AbortSignal): Promise<void>;
  /** Returns the runs to the queue. Call it after `stopping` has aborted. */
  stop(): Promise<void>;
}

/** @param stopping aborts when the worker stops */
export function startRuns(deps: RunsDeps, stopping: AbortSignal): Runs {
  const { db, producer, blocking, publisher, accessKeys, metrics, log, clock, random, takeover } = deps;
  const rowWatch = createRowWatch({ db, warn: createLimitedWarn(log) });
  const times = deps.times ?? runTimes;
  const queue = createRunQueue({ redis: producer, log });
  const runner = createRunner(
    { db, redis: producer, publisher, accessKeys, rowWatch, queue, times, clock, random },
    { log, stopping },
  );
  metrics.followedRuns(runner.count);
  const consumer = startRunConsumer({ redis: blocking, runner, log, random, takeover });
  const watching = rowWatch.run(stopping);
  return {
    sweep: (signal) => sweepRuns({ db, queue, metrics, log }, signal),
    async stop() {
      await consumer.close();
      await Promise.all([runner.stop(), watching]);
      await queue.close();
    },
  };
}
