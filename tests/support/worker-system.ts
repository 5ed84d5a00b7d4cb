/** A database, a Redis and as many workers as a test wants, in front of a cluster whose node is very quick. */

import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { CoreV1Api, V1Pod } from '@kubernetes/client-node';
import { Queue } from 'bullmq';
import { expect, vi } from 'vitest';

import { createEmbeddedKubernetes } from '../../src/embedded/kubernetes/embedded-kubernetes.ts';
import { kubernetesNames } from '../../src/server/projects/names.ts';
import type { ProjectCommand } from '../../src/shared/contract/commands.ts';
import { projectJobNameFor, projectQueueName } from '../../src/shared/contract/jobs.ts';
import { applyCommand } from '../../src/shared/node/apply-command.ts';
import { createDatabase, type Database } from '../../src/shared/node/db/database.ts';
import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import { changeProject, findProject, insertProject } from '../../src/shared/node/db/projects-repository.ts';
import { upsertUser } from '../../src/shared/node/db/users-repository.ts';
import { createLog } from '../../src/shared/node/log.ts';
import { createProjectQueue } from '../../src/shared/node/project-queue.ts';
import { createRedis } from '../../src/shared/node/redis.ts';
import { readWorkerConfig } from '../../src/worker/config.ts';
import { startWorker, type Worker } from '../../src/worker/worker.ts';
import { createAdministrator } from './clusters.ts';
import { createFaultyKubernetes, type FaultyKubernetes } from './faulty-kubernetes.ts';
import { createTestDatabase, createTestRedis } from './services.ts';

export interface QuickCluster {
  kubeconfigPath: string;
  api: CoreV1Api;
  /** Forgets the history of changes. */
  compact(): void;
  stop(): Promise<void>;
}

/** @param stopMs how long a pod takes to stop */
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
  /** Where everything is, for a worker that is a process of its own. */
  places: { databaseUrl: string; redisUrl: string; kubeconfigPath: string };
  kubernetes: FaultyKubernetes;
  /** The library's own view of the queue, for looking at jobs. */
  jobs: Queue;
  /** Forgets all of Redis. */
  flushRedis(): Promise<void>;
  startWorker(
    variables?: Record<string, string>,
    options?: NonNullable<Parameters<typeof startWorker>[1]>,
  ): Promise<Worker>;
  /** Commits a project; `queued: false` loses its job, as a crash between row and queue does. */
  create(options?: { queued?: boolean; namespace?: string }): Promise<ProjectRecord>;
  command(id: string, command: ProjectCommand, options?: { queued?: boolean }): Promise<ProjectRecord>;
  read(id: string): Promise<ProjectRecord>;
  /** Waits until the row has these values. */
  until(id: string, expected: Partial<ProjectRecord>, timeoutMs?: number): Promise<ProjectRecord>;
  /** The pods that bear the project's label. */
  podsOf(id: string): Promise<V1Pod[]>;
  /** `null` when it is gone. */
  claimUid(id: string): Promise<string | null>;
  stop(): Promise<void>;
}

export async function createWorkerSystem(
  cluster: QuickCluster,
  { redisUrl }: { redisUrl?: string } = {},
): Promise<WorkerSystem> {
  const [database, redis, kubernetes] = await Promise.all([
    createTestDatabase(),
    createTestRedis(),
    createFaultyKubernetes(cluster.kubeconfigPath),
  ]);
  const log = createLog({ name: 'test', level: process.env['TEST_LOG_LEVEL'] ?? 'silent' });
  const db = createDatabase(database.url);
  const producer = createRedis(redisUrl ?? redis.url, { purpose: 'producer', log });
  const queue = createProjectQueue({ redis: producer, log });
  const inspector = createRedis(redisUrl ?? redis.url, { purpose: 'blocking', log });
  const jobs = new Queue(projectQueueName, { connection: inspector });
  jobs.on('error', () => undefined); // some tests take Redis away
  const owner = await upsertUser(db, { subject: 'owner', email: null, name: 'Owner', picture: null });
  const workers = new Set<Worker>();
  let count = 0;

  const enqueue = (record: ProjectRecord) =>
    queue.enqueue(projectJobNameFor(record.desiredState), { projectId: record.id });
  const read = async (id: string) => {
    const record = await findProject(db, id);
    if (!record) throw new Error(`There is no project ${id}.`);
    return record;
  };

  return {
    db,
    places: {
      databaseUrl: database.url,
      redisUrl: redisUrl ?? redis.url,
      kubeconfigPath: kubernetes.kubeconfigPath,
    },
    kubernetes,
    jobs,
    flushRedis: redis.flush,
    read,
    async startWorker(variables = {}, options = {}) {
      const config = readWorkerConfig({
        DATABASE_URL: database.url,
        REDIS_URL: redisUrl ?? redis.url,
        KUBECONFIG: kubernetes.kubeconfigPath,
        ...variables,
      });
      const watchLimits = { firstBackOffMs: 20, longestBackOffMs: 100, ...options.watchLimits };
      const watchTimes = { ttlMs: 2_000, renewMs: 200 };
      const random = () => 0; // the shortest pauses
      const worker = await startWorker(config, {
        log,
        random,
        watchTimes,
        jobGraceMs: 100,
        ...options,
        watchLimits,
      });
      workers.add(worker);
      return {
        ...worker,
        async stop() {
          workers.delete(worker);
          await worker.stop();
        },
      };
    },
    async create({ queued = true, namespace = 'opencode' } = {}) {
      const id = randomUUID();
      const { record } = await db.transaction((trx) =>
        insertProject(
          trx,
          {
            id,
            ownerId: owner.id,
            idempotencyKey: null,
            name: `Project ${++count}`,
            description: '',
            repoUrl: 'https://example.org/team/repo',
            namespace,
            ...kubernetesNames(id),
          },
          { maxProjects: 100 },
        ),
      );
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
    async podsOf(id) {
      const labelSelector = `project-id=${id}`;
      return (await cluster.api.listNamespacedPod({ namespace: 'opencode', labelSelector })).items;
    },
    async claimUid(id) {
      const labelSelector = `project-id=${id}`;
      const claims = await cluster.api.listNamespacedPersistentVolumeClaim({ namespace: 'opencode', labelSelector });
      return claims.items[0]?.metadata?.uid ?? null;
    },
    async stop() {
      await Promise.all([...workers].map((worker) => worker.stop()));
      await Promise.all([queue.close(), jobs.close()]);
      inspector.disconnect();
      producer.disconnect();
      await db.destroy();
      await Promise.all([kubernetes.stop(), database.drop()]);
    },
  };
}
