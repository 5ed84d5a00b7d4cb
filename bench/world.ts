/** The system under measure: PostgreSQL, Redis and a Kubernetes API of its own, a server and a worker as real processes. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  CoreV1Api,
  createConfiguration,
  KubeConfig,
  ServerConfiguration,
  type RequestContext,
} from '@kubernetes/client-node';

import { createEmbeddedKubernetes } from '../src/embedded/kubernetes/embedded-kubernetes.ts';
import { insertAccessToken } from '../src/shared/node/db/access-tokens-repository.ts';
import { createDatabase, type Database } from '../src/shared/node/db/database.ts';
import { upsertUser } from '../src/shared/node/db/users-repository.ts';
import { targets } from '../tests/contract/targets.ts';
import { createAdministrator } from '../tests/support/clusters.ts';
import { createFaultyKubernetes, type FaultyKubernetes } from '../tests/support/faulty-kubernetes.ts';
import { createOwnPostgres, createOwnRedis, type OwnRedis, type OwnService } from '../tests/support/own-services.ts';
import { startServerProcess, startWorkerProcess, type ServiceProcess } from '../tests/support/processes.ts';

export interface World {
  postgres: OwnService;
  redis: OwnRedis;
  db: Database;
  /** An administrator's client of the cluster. */
  api: CoreV1Api;
  kubeconfigPath: string;
  /** The door before the Kubernetes API by which the worker goes: it counts. */
  kubernetes: FaultyKubernetes;
  server: ServiceProcess;
  startWorker(env?: Record<string, string>): Promise<ServiceProcess>;
  /** Makes a person and a token of theirs. */
  signIn(name: string): Promise<{ userId: string; token: string }>;
  stop(): Promise<void>;
}

export interface WorldOptions {
  /** For the server. */
  env?: Record<string, string>;
  /** Whether the worker's requests are counted, at the price of a hop. */
  viaDoor?: boolean;
  /** Without one, pods are and stay what the measure makes of them. */
  hasKubelet?: boolean;
}

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const postgres = await createOwnPostgres();
    undo.push(() => postgres.stop());
    const redis = await createOwnRedis();
    undo.push(() => redis.stop());
    const cluster = await (options.hasKubelet === false ? startApi() : startCluster());
    undo.push(() => cluster.stop());
    const kubernetes = await createFaultyKubernetes(cluster.kubeconfigPath);
    undo.push(() => kubernetes.stop());
    const db = createDatabase(postgres.url); // with as many connections as a server has
    undo.push(() => db.destroy());
    const places = { databaseUrl: postgres.url, redisUrl: redis.url };
    const server = await startServerProcess({
      ...places,
      env: { MAX_PROJECTS_PER_USER: '100000', RATE_LIMIT_PER_MINUTE: '10000000', LOG_LEVEL: 'warn', ...options.env },
    });
    undo.push(() => server.kill('SIGTERM'));
    const kubeconfigPath = options.viaDoor === true ? kubernetes.kubeconfigPath : cluster.kubeconfigPath;
    return {
      postgres,
      redis,
      db,
      api: createPooledAdministrator(cluster.kubeconfigPath),
      kubeconfigPath: cluster.kubeconfigPath,
      kubernetes,
      server,
      async startWorker(env = {}) {
        const worker = await startWorkerProcess({ ...places, kubeconfigPath, env: { LOG_LEVEL: 'warn', ...env } });
        undo.push(() => worker.kill('SIGTERM'));
        return worker;
      },
      async signIn(name) {
        const user = await upsertUser(db, { subject: name, email: null, name, picture: null });
        const { token } = await insertAccessToken(db, { userId: user.id, name: 'bench', expiresAt: null });
        return { userId: user.id, token };
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** One connection pool for all requests, where the library's own client makes one for each: thousands of sockets, and slow. */
function createPooledAdministrator(kubeconfigPath: string): CoreV1Api {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(kubeconfigPath);
  let dispatcher: ReturnType<RequestContext['getDispatcher']>;
  const auth = {
    getName: () => kubeConfig.getName(),
    async applySecurityAuthentication(context: RequestContext) {
      await kubeConfig.applySecurityAuthentication(context);
      dispatcher ??= context.getDispatcher();
      if (dispatcher) context.setDispatcher(dispatcher);
    },
  };
  const baseServer = new ServerConfiguration(kubeConfig.getCurrentCluster()?.server ?? '', {});
  return new CoreV1Api(createConfiguration({ baseServer, authMethods: { default: auth } }));
}

interface Cluster {
  kubeconfigPath: string;
  stop(): Promise<void>;
}

async function startCluster(): Promise<Cluster> {
  const dataDir = await mkdtemp(join(tmpdir(), 'opencode-bench-'));
  // No container takes less to stop: what follows from a pod that is gone at once is no measure of anything.
  const quick = { scheduleMs: 1, provisionMs: 1, pullMs: 1, createMs: 1, startupMs: 1, readyMs: 1, stopMs: 300 };
  const cluster = await createEmbeddedKubernetes({ dataDir, port: 0, kubeletOptions: { delays: quick } });
  return {
    kubeconfigPath: cluster.kubeconfigPath,
    async stop() {
      await cluster.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** The API alone. */
async function startApi(): Promise<Cluster> {
  const [embedded] = targets;
  if (!embedded) throw new Error('tests/contract/targets.ts names no Kubernetes API.');
  const target = await embedded.start();
  await createAdministrator(target.kubeconfigPath).createNamespace({ body: { metadata: { name: 'opencode' } } });
  return target;
}

/** So many people, one after the other: a crowd of new connections is no part of any measure. */
export async function signInAll(world: World, count: number): Promise<{ userId: string; token: string }[]> {
  const people: { userId: string; token: string }[] = [];
  for (let index = 0; index < count; index += 1) people.push(await world.signIn(`person-${index}`));
  return people;
}
