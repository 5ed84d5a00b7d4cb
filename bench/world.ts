/** The measured system: its own PostgreSQL, Redis and Kubernetes API, and server and worker as separate processes. */

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
import { testIssuer } from '../tests/support/test-issuer.ts';

export interface World {
  postgres: OwnService;
  redis: OwnRedis;
  db: Database;
  /** A client of the cluster with the rights of an administrator. */
  api: CoreV1Api;
  kubeconfigPath: string;
  /** The proxy in front of the Kubernetes API, which counts the requests of the worker. */
  kubernetes: FaultyKubernetes;
  server: ServiceProcess;
  startWorker(env?: Record<string, string>): Promise<ServiceProcess>;
  /** Creates a person and an access token. */
  signIn(name: string): Promise<{ userId: string; token: string }>;
  stop(): Promise<void>;
}

export interface WorldOptions {
  /** For the server. */
  env?: Record<string, string>;
  /** Whether the requests of the worker go through the proxy and are counted. */
  viaProxy?: boolean;
  /** Without a kubelet, the measure itself writes the status of pods. */
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
    const db = createDatabase(postgres.url); // with the pool size of a server
    undo.push(() => db.destroy());
    const places = { databaseUrl: postgres.url, redisUrl: redis.url };
    const server = await startServerProcess({
      ...places,
      env: { MAX_PROJECTS_PER_USER: '100000', RATE_LIMIT_PER_MINUTE: '10000000', LOG_LEVEL: 'warn', ...options.env },
    });
    undo.push(() => server.kill('SIGTERM'));
    const kubeconfigPath = options.viaProxy === true ? kubernetes.kubeconfigPath : cluster.kubeconfigPath;
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
        const user = await upsertUser(db, { issuer: testIssuer, subject: name, email: null, name, picture: null });
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

/** A client with one connection pool for all requests. The default client opens a socket for each request, which is slow. */
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
  // No real container stops faster, so a shorter stop would measure nothing real.
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

/** An API without a kubelet. */
async function startApi(): Promise<Cluster> {
  const [embedded] = targets;
  if (!embedded) throw new Error('tests/contract/targets.ts names no Kubernetes API.');
  const target = await embedded.start();
  await createAdministrator(target.kubeconfigPath).createNamespace({ body: { metadata: { name: 'opencode' } } });
  return target;
}

/** Creates `count` people, one after the other, because new connections are not measured. */
export async function signInAll(world: World, count: number): Promise<{ userId: string; token: string }[]> {
  const people: { userId: string; token: string }[] = [];
  for (let index = 0; index < count; index += 1) people.push(await world.signIn(`person-${index}`));
  return people;
}
