/**
 * The worker: the only part that talks to Kubernetes. It runs three loops: the queue's jobs (reconcile one project), the
 * cluster watch (what the one holder of the lease sees, written to the rows), and the sweep (whatever the queue lost).
 * It must never decide from an event alone, never remove what no row says to remove, and never serve people.
 *
 * This file is its composition root: typed configuration in, everything built leaf-first, stopped in reverse.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

import { createDatabase } from '../shared/node/db/database.ts';
import { assertMigrated } from '../shared/node/db/migrate.ts';
import { createLog, type Log } from '../shared/node/log.ts';
import { createProjectQueue } from '../shared/node/project-queue.ts';
import { awaitRedis, createRedis } from '../shared/node/redis.ts';
import { createStatusPublisher } from '../shared/node/status-stream.ts';
import type { WorkerConfig } from './config.ts';
import { createWorkerMetrics, type WorkerMetrics } from './health.ts';
import { startJobConsumer } from './job-consumer.ts';
import { createKubernetesClient, loadKubeConfig } from './kube/kubernetes-client.ts';
import { createReconciler } from './reconcile/reconcile.ts';
import { createStatusWriter } from './status-writer.ts';
import { sweepLagging } from './sweep.ts';
import type { ListWatchLimits } from './watch/list-watch.ts';
import { ownWatch, type WatchOwnerTimes } from './watch/watch-owner.ts';

export interface Worker {
  metrics: WorkerMetrics;
  /** What is missing for this worker to do its work, in a sentence; `null` when nothing is. */
  missing: () => Promise<string | null>;
  /** Finishes or hands back the jobs, releases the lease, closes every connection; at most about 20 seconds. */
  stop(): Promise<void>;
}

const defaultJobGraceMs = 10_000;

const currentTime = () => new Date();

/**
 * Starts a worker on a migrated database. Redis and Kubernetes may be away: it goes on when they are back.
 * @throws AppError when the database is not at this program's migrations
 */
export async function startWorker(
  config: WorkerConfig,
  options: {
    log?: Log;
    now?: () => Date;
    random?: () => number;
    watchTimes?: WatchOwnerTimes;
    watchLimits?: Partial<ListWatchLimits>;
    /** How often rows and the watched objects are compared. */
    resyncMs?: number;
    /** How long running jobs may go on after `stop`. */
    jobGraceMs?: number;
  } = {},
): Promise<Worker> {
  const { now = currentTime, random = Math.random } = options;
  const log = options.log ?? createLog({ name: 'worker', level: config.logLevel });
  const db = createDatabase(config.databaseUrl, {
    poolSize: config.concurrency + 10,
    applicationName: 'opencode-worker',
    log,
  });
  const kubernetes = createKubernetesClient({
    kubeConfig: loadKubeConfig(config.kubeconfigPath),
    namespace: config.namespace,
    now: () => performance.now(),
  });
  try {
    await assertMigrated(db);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  const producer = createRedis(config.redisUrl, { purpose: 'producer', log });
  const blocking = createRedis(config.redisUrl, { purpose: 'blocking', log });
  await awaitRedis(producer, 1_000);
  const queue = createProjectQueue({ redis: producer, log });
  const publisher = createStatusPublisher({ redis: producer, log });
  const writer = createStatusWriter({ db, publisher, now });
  const reconciler = createReconciler({ db, kubernetes, writer, settings: config.pod, now });
  const metrics = createWorkerMetrics();
  const consumer = startJobConsumer({
    redis: blocking,
    db,
    reconciler,
    writer,
    log,
    random,
    concurrency: config.concurrency,
    metrics,
  });
  const stopping = new AbortController();
  const loops = [
    ownWatch(
      {
        db,
        kubernetes,
        writer,
        queue,
        publisher,
        metrics,
        log,
        now,
        random,
        holder: `${hostname()}-${randomUUID()}`,
        ...(options.watchLimits ? { limits: options.watchLimits } : {}),
        ...(options.resyncMs === undefined ? {} : { resyncMs: options.resyncMs }),
      },
      stopping.signal,
      options.watchTimes,
    ),
    sweepLagging({ db, queue, log }, stopping.signal),
  ];
  log.info({ namespace: config.namespace }, 'worker started');

  return {
    metrics,
    async missing() {
      if (stopping.signal.aborted) return 'The worker is stopping.';
      if (producer.status !== 'ready') return 'Redis does not answer. Wishes wait until it does.';
      return db.raw('select 1').then(
        () => null,
        () => 'PostgreSQL does not answer.',
      );
    },
    async stop() {
      stopping.abort();
      await consumer.close(options.jobGraceMs ?? defaultJobGraceMs);
      await Promise.all(loops);
      await queue.close();
      blocking.disconnect();
      producer.disconnect();
      await db.destroy();
      log.info('worker stopped');
    },
  };
}
