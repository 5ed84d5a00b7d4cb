/**
 * The worker is the only part that talks to Kubernetes. It runs the jobs of the queue: each job reconciles one project. It
 * also reads the logs that the server asks for. One worker is the watch leader. It also runs the cluster watch (writes what
 * the cluster shows to the rows), the sweep (finds pending commands that the queue lost), applies configurations to pods that
 * run, stops projects that nobody uses, empties the trash, and prunes old history. It also follows agent runs: each job of a second queue follows one run until it ends. The worker
 * must never decide from an event alone, never delete an object that no row says to delete, and never serve people.
 *
 * This file is its composition root, hence its length. It builds the parts in the order of their dependencies and stops them in reverse.
 */

import { randomBytes, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

import type { Redis } from 'ioredis';

import { systemClock, type Clock } from '../shared/clock.ts';
import { createAccessKeys, type AccessKeys } from '../shared/node/access/credentials.ts';
import { createAnnouncer } from '../shared/node/announcer.ts';
import { checkDatabase, databaseProblem } from '../shared/node/db/database-check.ts';
import { createDatabase, type Database } from '../shared/node/db/database.ts';
import { readInstallationId } from '../shared/node/db/installation-repository.ts';
import { awaitMigrated } from '../shared/node/db/migrate.ts';
import { createRestoredData, type RestoredData } from '../shared/node/db/restored-data.ts';
import { createLog, type Log } from '../shared/node/log.ts';
import { createProjectQueue } from '../shared/node/project-queue.ts';
import { checkRedis, redisProblem } from '../shared/node/redis-check.ts';
import { createRedis, refuseOtherRedis } from '../shared/node/redis.ts';
import { createStatusPublisher } from '../shared/node/status-stream.ts';
import { applyConfigs } from './apply-configs.ts';
import type { WorkerConfig } from './config.ts';
import type { WorkerReadiness } from './health.ts';
import { stopIdleProjects } from './idle-stop/stop-idle-projects.ts';
import { createWorkerMetrics, type WorkerMetrics } from './metrics.ts';
import { createAttempts } from './pods/jobs/attempts.ts';
import { createDispatcher } from './pods/jobs/dispatcher.ts';
import { startJobConsumer } from './pods/jobs/job-consumer.ts';
import { sweepPendingCommands } from './pods/jobs/pending-command-sweep.ts';
import { loadKubeConfig } from './pods/kube/kubeconfig.ts';
import { createKubernetesClient, type KubernetesClient } from './pods/kube/kubernetes-client.ts';
import { startPodLogConsumer } from './pods/logs/pod-log-consumer.ts';
import { createReadPodLog } from './pods/logs/read-pod-log.ts';
import { createReconciler } from './pods/reconcile/reconcile.ts';
import { createStatusWriter } from './pods/status/status-writer.ts';
import { watchCluster } from './pods/watch/cluster-watch.ts';
import type { ListWatchLimits } from './pods/watch/list-watch.ts';
import { electWatchLeader, type Leadership, type WatchLeaderTimes } from './pods/watch/watch-leader.ts';
import { pruneHistory } from './prune-history.ts';
import type { RunTimes } from './runs/decide-run.ts';
import type { TakeoverTimes } from './runs/run-consumer.ts';
import { startRuns } from './runs/start-runs.ts';
import { emptyTrash } from './trash/empty-trash.ts';

export interface Worker {
  metrics: WorkerMetrics;
  /** Whether this worker can do its work, as sentences. It answers within a few seconds. */
  readiness: () => Promise<WorkerReadiness>;
  /** Finishes or returns the jobs, releases the lease and closes every connection. It takes at most about 24 seconds. */
  stop(): Promise<void>;
}

export interface WorkerOptions {
  log?: Log;
  clock?: Clock;
  random?: () => number;
  watchTimes?: WatchLeaderTimes;
  watchLimits?: Partial<ListWatchLimits>;
  /** The time limit of every request to the cluster. */
  requestTimeoutMs?: number;
  /** The shortest delay of a project after the cluster refused the worker itself. */
  refusedRetryMs?: number;
  /** How often rows and caches are compared. */
  resyncMs?: number;
  /** How long a pod must have been an orphan before it is deleted. */
  orphanGraceMs?: number;
  /** How long running jobs may continue after `stop`. */
  jobGraceMs?: number;
  /** How long to wait for a database that does not answer yet. */
  databaseGraceMs?: number;
  /** When an agent that does nothing has finished, or was interrupted. */
  runTimes?: RunTimes;
  /** When the runs of a worker that died are taken over. */
  runTakeover?: TakeoverTimes;
}

const defaultJobGraceMs = 10_000;

/** The connections that the worker opens and closes. */
interface Connections {
  db: Database;
  /** For commands to the queue and the status stream. */
  producer: Redis;
  /** For the job consumer, whose reads block. */
  blocking: Redis;
  kubernetes: KubernetesClient;
}

type ResolvedOptions = WorkerOptions & Required<Pick<WorkerOptions, 'log' | 'clock' | 'random'>>;

/**
 * Starts a worker. Redis and Kubernetes may be unavailable: it continues when they are back. The database must answer
 * within `databaseGraceMs` (60 s unless given).
 * @throws AppError when the database lacks migrations, is newer than this program, or does not answer
 */
export async function startWorker(config: WorkerConfig, options: WorkerOptions = {}): Promise<Worker> {
  const log = options.log ?? createLog({ name: 'worker', level: config.logLevel });
  const resolved = { clock: systemClock, random: Math.random, ...options, log };
  const connections = connect(config, resolved);
  const { db, producer, blocking, kubernetes } = connections;
  const restoredData = createRestoredData({ db, log });
  let installationId: string;
  try {
    await awaitMigrated(db, { graceMs: options.databaseGraceMs ?? 60_000, log });
    installationId = await readInstallationId(db);
    await restoredData.check();
    await refuseOtherRedis(producer, 1_000);
  } catch (error) {
    blocking.disconnect();
    producer.disconnect();
    await db.destroy();
    throw error;
  }
  const stopping = new AbortController();
  const parts = startParts(config, {
    ...connections,
    restoredData,
    installationId,
    options: resolved,
    signal: stopping.signal,
  });
  log.info({ namespace: config.namespace }, 'worker started');

  return {
    metrics: parts.metrics,
    async readiness() {
      if (stopping.signal.aborted) return { status: 'down', messages: ['The worker is stopping.'] };
      return readReadiness({ db, producer, kubernetes });
    },
    async stop() {
      stopping.abort();
      await Promise.all([
        parts.consumer.close(options.jobGraceMs ?? defaultJobGraceMs),
        parts.logConsumer.close(),
        parts.runs.stop(),
        parts.dispatcher.stop(),
      ]);
      await parts.election;
      await parts.queue.close();
      blocking.disconnect();
      producer.disconnect();
      await db.destroy();
      log.info('worker stopped');
    },
  };
}

function connect(config: WorkerConfig, { log, clock, random, requestTimeoutMs }: ResolvedOptions): Connections {
  return {
    kubernetes: createKubernetesClient({
      loadKubeConfig: () => loadKubeConfig(config.kubeconfigPath),
      namespace: config.namespace,
      clock,
      random,
      ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
    }),
    db: createDatabase(config.databaseUrl, {
      poolSize: config.concurrency + 10,
      applicationName: 'opencode-worker',
      log,
    }),
    producer: createRedis(config.redisUrl, { purpose: 'producer', log }),
    blocking: createRedis(config.redisUrl, { purpose: 'blocking', log }),
  };
}

/** Builds and starts what runs until `signal` aborts. */
function startParts(
  config: WorkerConfig,
  context: Connections & {
    restoredData: RestoredData;
    installationId: string;
    options: ResolvedOptions;
    signal: AbortSignal;
  },
) {
  const { db, restoredData, producer, blocking, kubernetes, installationId, options, signal } = context;
  const { log, clock, random } = options;
  const { concurrency } = config;
  const accessKeys = createWorkerAccessKeys(config, log);
  const queue = createProjectQueue({ redis: producer, log });
  const publisher = createStatusPublisher({ redis: producer, log });
  const metrics = createWorkerMetrics(clock);
  // The objects of the cluster have its times, so everything that reads their ages uses its clock.
  const { clock: clusterClock } = kubernetes;
  const writer = createStatusWriter({ db, publisher, metrics, clock: clusterClock });
  const reconciler = createReconciler({
    db,
    kubernetes,
    writer,
    settings: { ...config.pod, installationId, accessKeyId: accessKeys.currentKeyId },
    clock: clusterClock,
    accessKeys,
  });
  const attempts = createAttempts({
    db,
    kubernetes,
    reconciler,
    writer,
    random,
    refusedRetryMs: options.refusedRetryMs,
  });
  const consumer = startJobConsumer({ redis: blocking, db, attempts, log, random, concurrency, metrics });
  const jobsMayWait = () => consumer.isConsuming() || kubernetes.blockedBy() !== null;
  const dispatcher = createDispatcher({ db, queue, attempts, jobsMayWait, metrics, log, concurrency, clock });
  const readLog = createReadPodLog({ kubernetes });
  const logConsumer = startPodLogConsumer({ redis: blocking, replies: producer, readLog, log });
  const { accessSecret: secret, previousAccessSecret: previousSecret } = config;
  const podKeys = secret === null ? null : createAccessKeys({ secret, previousSecret });
  const runs = startRuns(
    {
      db,
      producer,
      blocking,
      publisher,
      metrics,
      log,
      clock,
      random,
      accessKeys: podKeys,
      times: options.runTimes,
      takeover: options.runTakeover,
    },
    signal,
  );
  const { watchLimits: limits, resyncMs, orphanGraceMs } = options;
  const watchDeps = {
    db,
    restoredData,
    kubernetes,
    writer,
    dispatcher,
    metrics,
    installationId,
    log,
    clock: clusterClock,
    random,
  };
  const duties = (leadership: Leadership) =>
    Promise.all([
      watchCluster({ ...watchDeps, limits, resyncMs, orphanGraceMs }, leadership),
      sweepPendingCommands({ db, dispatcher, metrics, log }, leadership.signal),
      runs.sweep(leadership.signal),
      applyConfigs(
        { db, publisher, accessKeys: podKeys, hasModels: config.pod.modelBrokerUrl !== null, log },
        leadership.signal,
      ),
      stopIdleProjects(
        {
          db,
          restoredData,
          announcer: createAnnouncer({ queue, publisher }),
          publisher,
          accessKeys: podKeys,
          installationDefault: config.idleStopDefault,
          sizeRules: config.sizeRules,
          clock,
          log,
        },
        leadership.signal,
      ),
      emptyTrash(
        {
          db,
          restoredData,
          announcer: createAnnouncer({ queue, publisher }),
          publisher,
          trashDays: config.trashDays,
          sizeRules: config.sizeRules,
          clock,
          log,
        },
        leadership,
      ),
      pruneHistory({ db, activityRetentionDays: config.activityRetentionDays, log }, leadership.signal),
    ]).finally(() => dispatcher.handOver());
  const election = electWatchLeader(
    { db, publisher, holder: `${hostname()}-${randomUUID()}`, duties, metrics, log, clock: clusterClock },
    signal,
    options.watchTimes,
  );
  return { queue, metrics, dispatcher, consumer, logConsumer, election, runs };
}

/** Without ACCESS_SECRET every worker makes up credentials of its own: pods run, and nobody can use the credentials. */
function createWorkerAccessKeys({ accessSecret }: WorkerConfig, log: Log): AccessKeys {
  if (accessSecret === null) log.warn('nobody can open a project, because ACCESS_SECRET is not set');
  return createAccessKeys({ secret: accessSecret ?? randomBytes(32).toString('base64url'), previousSecret: null });
}

async function readReadiness({
  db,
  producer,
  kubernetes,
}: Pick<Connections, 'db' | 'producer' | 'kubernetes'>): Promise<WorkerReadiness> {
  const [databaseMessage, redisMessage] = await Promise.all([
    checkDatabase(db).then(() => null, databaseProblem),
    checkRedis(producer).then(() => null, redisProblem),
  ]);
  const credentials = kubernetes.credentialsProblem();
  const messages = [
    ...(databaseMessage === null ? [] : [databaseMessage]),
    ...(redisMessage === null ? [] : [`${redisMessage} One worker carries out commands without the queue.`]),
    ...(kubernetes.blockedBy() ? ['The cluster does not answer, or requested a pause.'] : []),
    ...(credentials === null ? [] : [`There are no credentials for the cluster: ${credentials}.`]),
  ];
  return { status: databaseMessage === null ? (messages.length === 0 ? 'ok' : 'degraded') : 'down', messages };
}
