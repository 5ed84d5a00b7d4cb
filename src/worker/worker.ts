/**
 * The worker: the only part that talks to Kubernetes. It runs the queue's jobs (reconcile one project); the one worker that
 * holds the lease also runs the cluster watch (what it sees is written to the rows) and the sweep (whatever the queue lost).
 * It must never decide from an event alone, never remove what no row says to remove, and never serve people.
 *
 * This file is its composition root: typed configuration in, everything built leaf-first, stopped in reverse.
 */

import { randomBytes, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

import { systemClock } from '../shared/clock.ts';
import { createDatabase } from '../shared/node/db/database.ts';
import { readInstallationId } from '../shared/node/db/installation-repository.ts';
import { awaitMigrated } from '../shared/node/db/migrate.ts';
import { createLog, type Log } from '../shared/node/log.ts';
import { createProjectQueue } from '../shared/node/project-queue.ts';
import { awaitRedis, createRedis } from '../shared/node/redis.ts';
import { createStatusPublisher } from '../shared/node/status-stream.ts';
import type { WorkerConfig } from './config.ts';
import { createWorkerMetrics, type WorkerMetrics, type WorkerReadiness } from './health.ts';
import { createAttempts } from './pods/jobs/attempts.ts';
import { createDispatcher } from './pods/jobs/dispatcher.ts';
import { startJobConsumer } from './pods/jobs/job-consumer.ts';
import { sweepPendingCommands } from './pods/jobs/sweep.ts';
import { createKubernetesClient } from './pods/kube/kubernetes-client.ts';
import { loadKubeConfig } from './pods/kube/kubernetes-credentials.ts';
import { createReconciler } from './pods/reconcile/reconcile.ts';
import { createStatusWriter } from './pods/status/status-writer.ts';
import { watchCluster } from './pods/watch/cluster-watch.ts';
import type { ListWatchLimits } from './pods/watch/list-watch.ts';
import { leadWatch, type WatchLeaderTimes } from './pods/watch/watch-leader.ts';
import { pruneHistory } from './prune-history.ts';
import type { AfterStep } from './step.ts';

export interface Worker {
  metrics: WorkerMetrics;
  /** Whether this worker can do its work, in words; never slower than some seconds. */
  readiness: () => Promise<WorkerReadiness>;
  /** Finishes or hands back the jobs, releases the lease, closes every connection; at most about 24 seconds. */
  stop(): Promise<void>;
}

export interface WorkerOptions {
  log?: Log;
  now?: () => Date;
  random?: () => number;
  watchTimes?: WatchLeaderTimes;
  watchLimits?: Partial<ListWatchLimits>;
  /** The time limit of every request to the cluster. */
  requestTimeoutMs?: number;
  /** How often rows and the watched objects are compared. */
  resyncMs?: number;
  /** How long a pod must have been unknown before it goes. */
  orphanGraceMs?: number;
  /** How long running jobs may go on after `stop`. */
  jobGraceMs?: number;
  /** How long to wait for a database that does not answer yet. */
  databaseGraceMs?: number;
  /** For tests that kill a worker between two effects. */
  afterStep?: AfterStep;
}

const defaultJobGraceMs = 10_000;

const currentTime = () => new Date();
const clock = () => performance.now();

/**
 * Starts a worker. Redis and Kubernetes may be away: it goes on when they are back. The database must come within
 * `databaseGraceMs` (60 s).
 * @throws AppError when the database lacks migrations, is newer than this program, or does not answer
 */
export async function startWorker(config: WorkerConfig, options: WorkerOptions = {}): Promise<Worker> {
  const { now = currentTime, random = Math.random, afterStep } = options;
  const log = options.log ?? createLog({ name: 'worker', level: config.logLevel });
  const kubernetes = createKubernetesClient({
    loadKubeConfig: () => loadKubeConfig(config.kubeconfigPath),
    namespace: config.namespace,
    clock: systemClock,
    random,
    ...(options.requestTimeoutMs === undefined ? {} : { requestTimeoutMs: options.requestTimeoutMs }),
  });
  const db = createDatabase(config.databaseUrl, {
    poolSize: config.concurrency + 10,
    applicationName: 'opencode-worker',
    log,
  });
  let installationId: string;
  try {
    await awaitMigrated(db, { graceMs: options.databaseGraceMs ?? 60_000, log });
    installationId = await readInstallationId(db);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  const producer = createRedis(config.redisUrl, { purpose: 'producer', log });
  const blocking = createRedis(config.redisUrl, { purpose: 'blocking', log });
  await awaitRedis(producer, 1_000);
  const queue = createProjectQueue({ redis: producer, log });
  const publisher = createStatusPublisher({ redis: producer, log });
  const metrics = createWorkerMetrics();
  const writer = createStatusWriter({ db, publisher, metrics, now, afterStep });
  const settings = { ...config.pod, installationId };
  const reconciler = createReconciler({
    db,
    kubernetes,
    writer,
    settings,
    now,
    newToken: () => randomBytes(32).toString('base64url'),
    afterStep,
  });
  const attempts = createAttempts({ db, kubernetes, reconciler, writer, random });
  const { concurrency } = config;
  const dispatcher = createDispatcher({ queue, attempts, metrics, log, concurrency, now: clock });
  const consumer = startJobConsumer({
    redis: blocking,
    db,
    attempts,
    log,
    random,
    concurrency,
    metrics,
    afterStep,
  });
  const stopping = new AbortController();
  const owning = leadWatch(
    {
      db,
      publisher,
      holder: `${hostname()}-${randomUUID()}`,
      duties: (watch) =>
        Promise.all([
          watchCluster(
            {
              db,
              kubernetes,
              writer,
              dispatcher,
              metrics,
              installationId,
              log,
              now,
              random,
              limits: options.watchLimits,
              resyncMs: options.resyncMs,
              orphanGraceMs: options.orphanGraceMs,
            },
            watch,
          ),
          sweepPendingCommands({ db, dispatcher, metrics, log }, watch.signal),
          pruneHistory({ db, activityRetentionDays: config.activityRetentionDays, log }, watch.signal),
        ]).finally(() => dispatcher.handOver()),
      metrics,
      log,
      now,
    },
    stopping.signal,
    options.watchTimes,
  );
  log.info({ namespace: config.namespace }, 'worker started');

  return {
    metrics,
    async readiness() {
      if (stopping.signal.aborted) return { status: 'down', messages: ['The worker is stopping.'] };
      const [database, redis] = await Promise.all([
        answers(() => db.raw('select 1')),
        // A write, not a ping: a Redis that is full still answers pings.
        answers(() => producer.set('opencode:readiness', '1', 'EX', 60)),
      ]);
      const messages = [
        ...(database ? [] : ['PostgreSQL does not answer.']),
        ...(redis ? [] : ['Redis takes no commands. Wishes are carried out without the queue, by one worker.']),
        ...(kubernetes.blockedBy() ? ['The cluster does not answer, or asks us to wait.'] : []),
      ];
      return { status: database ? (messages.length === 0 ? 'ok' : 'degraded') : 'down', messages };
    },
    async stop() {
      stopping.abort();
      await Promise.all([consumer.close(options.jobGraceMs ?? defaultJobGraceMs), dispatcher.stop()]);
      await owning;
      await queue.close();
      blocking.disconnect();
      producer.disconnect();
      await db.destroy();
      log.info('worker stopped');
    },
  };
}

async function answers(ask: () => Promise<unknown>): Promise<boolean> {
  return ask().then(
    () => true,
    () => false,
  );
}
