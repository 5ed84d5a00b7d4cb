/**
 * The one scaffold for tests of workers: a database, a Redis, a Kubernetes API that can fail, and any number of workers,
 * either in this process or as processes. {@link file://./worker-test.ts} makes one for each test.
 */

import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { CoreV1Api, V1PersistentVolumeClaim, V1Pod } from '@kubernetes/client-node';
import { Queue } from 'bullmq';
import { expect, vi } from 'vitest';

import { createEmbeddedKubernetes } from '../../src/embedded/kubernetes/embedded-kubernetes.ts';
import { kubernetesNames } from '../../src/server/projects/names.ts';
import type { ProjectCommand } from '../../src/shared/contract/commands.ts';
import { projectJobNameFor, projectQueueName } from '../../src/shared/contract/jobs.ts';
import { applyCommand } from '../../src/shared/node/apply-command.ts';
import type { Database } from '../../src/shared/node/db/database.ts';
import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import { changeProject, findProject, insertProject } from '../../src/shared/node/db/projects-repository.ts';
import { upsertUser } from '../../src/shared/node/db/users-repository.ts';
import { createLog, type Log } from '../../src/shared/node/log.ts';
import { createProjectQueue } from '../../src/shared/node/project-queue.ts';
import { createRedis } from '../../src/shared/node/redis.ts';
import { readWorkerConfig } from '../../src/worker/config.ts';
import { startWorker, type Worker } from '../../src/worker/worker.ts';
import { createAdministrator } from './clusters.ts';
import { createFaultyKubernetes, type FaultyKubernetes } from './faulty-kubernetes.ts';
import { openTestDatabase } from './open-test-database.ts';
import type { OwnRedis } from './own-services.ts';
import { startServerProcess, startWorkerProcess, type ServiceProcess } from './processes.ts';
import { createTestDatabase, createTestRedis } from './services.ts';
import { testIssuer } from './test-issuer.ts';

export interface QuickCluster {
  kubeconfigPath: string;
  api: CoreV1Api;
  /** Forgets the history of changes, so that a watch from an old resource version gets 410. */
  compact(): void;
  stop(): Promise<void>;
}

/**
 * The embedded Kubernetes with a node on which every step takes milliseconds.
 *
 * @param options.stopMs how long a pod takes to stop
 */
export async function startQuickCluster({ stopMs = 20 } = {}): Promise<QuickCluster> {
  const dataDir = await mkdtemp(join(tmpdir(), 'opencode-cluster-'));
  const quick = { scheduleMs: 1, provisionMs: 1, pullMs: 1, createMs: 1, startupMs: 1, readyMs: 1, stopMs };
  const kubernetes = await createEmbeddedKubernetes({
    dataDir,
    port: 0,
    kubeletOptions: { delays: { ...quick, settleMs: 20, probeSecondMs: 10 } },
  });
  return {
    kubeconfigPath: kubernetes.kubeconfigPath,
    api: createAdministrator(kubernetes.kubeconfigPath),
    compact: kubernetes.compact,
    async stop() {
      await kubernetes.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

export interface WorkerSystem {
  db: Database;
  /** The addresses of all services, for a worker that runs as a process. */
  places: { databaseUrl: string; redisUrl: string; kubeconfigPath: string };
  kubernetes: FaultyKubernetes;
  /** BullMQ's own client of the queue, to inspect jobs. */
  jobs: Queue;
  /** Deletes all keys of this system's Redis database. */
  flushRedis(): Promise<void>;
  /** Starts a worker in this process, with short times and the shortest back-off. */
  startWorker(
    variables?: Record<string, string>,
    options?: NonNullable<Parameters<typeof startWorker>[1]>,
  ): Promise<Worker>;
  /** Starts `npm run worker` as a process, with the times of production. */
  startWorkerProcess(env?: Record<string, string>): Promise<ServiceProcess>;
  /** Starts `npm run server` as a process, with the times of production. */
  startServerProcess(env?: Record<string, string>): Promise<ServiceProcess>;
  /**
   * Commits a project, with a new id unless one is given. With `queued: false` it has no job, as after a crash between the commit
   * and the queue.
   */
  create(options?: { id?: string; queued?: boolean; namespace?: string }): Promise<ProjectRecord>;
  command(id: string, command: ProjectCommand, options?: { queued?: boolean }): Promise<ProjectRecord>;
  read(id: string): Promise<ProjectRecord>;
  /** Waits until the row has these values. */
  until(id: string, expected: Partial<ProjectRecord>, timeoutMs?: number): Promise<ProjectRecord>;
  /** Waits until no job waits, runs or is delayed. */
  untilQueueIsEmpty(): Promise<void>;
  /** The pods that have the project's label. */
  podsOf(id: string): Promise<V1Pod[]>;
  /** The volume claims that have the project's label. */
  claimsOf(id: string): Promise<V1PersistentVolumeClaim[]>;
  /** `null` when there is no claim. */
  claimUid(id: string): Promise<string | null>;
  stop(): Promise<void>;
}

/**
 * @param options.redis a Redis that the test may kill, freeze or flush; the run's shared one by default
 * @param options.databaseUrl a database with the newest schema, of the test; by default one in the run's shared PostgreSQL
 */
export async function createWorkerSystem(
  cluster: QuickCluster,
  options: { redis?: OwnRedis; databaseUrl?: string } = {},
): Promise<WorkerSystem> {
  const [database, kubernetes] = await Promise.all([
    options.databaseUrl === undefined
      ? createTestDatabase()
      : { url: options.databaseUrl, drop: async () => undefined },
    createFaultyKubernetes(cluster.kubeconfigPath),
  ]);
  const redis = options.redis ? { url: options.redis.url, flush: options.redis.flushAll } : await createTestRedis();
  const places = { databaseUrl: database.url, redisUrl: redis.url, kubeconfigPath: kubernetes.kubeconfigPath };
  const log = createLog({ name: 'test', level: process.env['TEST_LOG_LEVEL'] ?? 'silent' });
  const db = openTestDatabase(database.url);
  const queue = openQueue(redis.url, log);
  const workers = new Set<Worker>();
  const processes = new Set<ServiceProcess>();

  return {
    db,
    places,
    kubernetes,
    jobs: queue.jobs,
    flushRedis: redis.flush,
    async startWorker(variables, workerOptions) {
      const worker = await startQuickWorker({ places, log, variables, options: workerOptions });
      workers.add(worker);
      return {
        ...worker,
        async stop() {
          workers.delete(worker);
          await worker.stop();
        },
      };
    },
    async startWorkerProcess(env = {}) {
      const started = await startWorkerProcess({ ...places, env });
      processes.add(started);
      return started;
    },
    async startServerProcess(env = {}) {
      const started = await startServerProcess({ ...places, env });
      processes.add(started);
      return started;
    },
    ...(await createProjectActions(db, queue.enqueue)),
    untilQueueIsEmpty: queue.untilEmpty,
    ...createClusterQueries(cluster.api),
    async stop() {
      await Promise.all([
        ...[...workers].map((worker) => worker.stop()),
        ...[...processes].map((started) => started.kill()),
      ]);
      await queue.close();
      await db.destroy();
      await Promise.all([kubernetes.stop(), database.drop()]);
    },
  };
}

function startQuickWorker(system: {
  places: WorkerSystem['places'];
  log: Log;
  variables: Record<string, string> | undefined;
  options: Parameters<typeof startWorker>[1];
}): Promise<Worker> {
  const { databaseUrl, redisUrl, kubeconfigPath } = system.places;
  const config = readWorkerConfig({
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    KUBECONFIG: kubeconfigPath,
    ...system.variables,
  });
  return startWorker(config, {
    log: system.log,
    random: () => 0, // the shortest back-off
    watchTimes: { ttlMs: 2_000, renewMs: 200 },
    jobGraceMs: 100,
    ...system.options,
    watchLimits: { firstBackOffMs: 20, longestBackOffMs: 100, ...system.options?.watchLimits },
  });
}

function openQueue(redisUrl: string, log: Log) {
  const producer = createRedis(redisUrl, { purpose: 'producer', log });
  const inspector = createRedis(redisUrl, { purpose: 'blocking', log });
  const queue = createProjectQueue({ redis: producer, log });
  const jobs = new Queue(projectQueueName, { connection: inspector, skipVersionCheck: true });
  jobs.on('error', () => undefined); // some tests make Redis unavailable
  return {
    jobs,
    enqueue: (record: ProjectRecord) => queue.enqueue(projectJobNameFor(record.desiredState), { projectId: record.id }),
    async untilEmpty() {
      await vi.waitFor(async () => {
        const counts = await jobs.getJobCounts('wait', 'active', 'delayed');
        expect(counts).toEqual({ wait: 0, active: 0, delayed: 0 });
      }, 10_000);
    },
    async close() {
      await Promise.all([queue.close(), jobs.close()]);
      inspector.disconnect();
      producer.disconnect();
    },
  };
}

/** What the server does to rows and queue, without a server. */
async function createProjectActions(
  db: Database,
  enqueue: (record: ProjectRecord) => Promise<unknown>,
): Promise<Pick<WorkerSystem, 'create' | 'command' | 'read' | 'until'>> {
  const owner = await upsertUser(db, {
    issuer: testIssuer,
    subject: 'owner',
    email: null,
    name: 'Owner',
    picture: null,
  });
  let count = 0;
  const read = async (id: string) => {
    const record = await findProject(db, id);
    if (!record) throw new Error(`There is no project ${id}.`);
    return record;
  };
  return {
    read,
    async create({ id = randomUUID(), queued = true, namespace = 'opencode' } = {}) {
      const project = {
        id,
        ownerId: owner.id,
        idempotencyKey: null,
        name: `Project ${++count}`,
        description: '',
        repoUrl: 'https://example.org/team/repo',
        namespace,
        ...kubernetesNames(id),
      };
      const { record } = await db.transaction((trx) => insertProject(trx, project, { maxProjects: 1_000 }));
      if (queued) await enqueue(record);
      return record;
    },
    async command(id, command, { queued = true } = {}) {
      const result = await changeProject(db, { id }, (record) => {
        const patch = applyCommand(command, record, new Date().toISOString());
        return patch && { patch };
      });
      if (!result) throw new Error(`There is no project ${id}.`);
      if (queued && result.changed) await enqueue(result.record);
      return result.record;
    },
    until: (id, expected, timeoutMs = 10_000) =>
      vi.waitFor(
        async () => {
          const record = await read(id);
          expect(record).toMatchObject(expected);
          return record;
        },
        { timeout: timeoutMs, interval: 60 },
      ),
  };
}

function createClusterQueries(api: CoreV1Api): Pick<WorkerSystem, 'podsOf' | 'claimsOf' | 'claimUid'> {
  const selectorOf = (id: string) => ({ namespace: 'opencode', labelSelector: `project-id=${id}` });
  const claimsOf = async (id: string) => (await api.listNamespacedPersistentVolumeClaim(selectorOf(id))).items;
  return {
    podsOf: async (id) => (await api.listNamespacedPod(selectorOf(id))).items,
    claimsOf,
    claimUid: async (id) => (await claimsOf(id))[0]?.metadata?.uid ?? null,
  };
}
