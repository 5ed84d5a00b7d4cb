/**
 * The system of a chaos run: PostgreSQL, Redis and a Kubernetes API, two servers and two workers as processes, and proxies for
 * the faults of the network.
 */

import knex from 'knex';
import { knexSnakeCaseMappers } from 'objection';

import { insertAccessToken } from '../../src/shared/node/db/access-tokens-repository.ts';
import type { Database } from '../../src/shared/node/db/database.ts';
import { upsertUser } from '../../src/shared/node/db/users-repository.ts';
import { createFaultyKubernetes, type FaultyKubernetes } from '../support/faulty-kubernetes.ts';
import { findKeptPort } from '../support/kept-port.ts';
import { createOwnPostgres, createOwnRedis, type OwnPostgres, type OwnRedis } from '../support/own-services.ts';
import { startServerProcess, startWorkerProcess } from '../support/processes.ts';
import { createTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { testIssuer } from '../support/test-issuer.ts';
import { startChaosCluster, type ChaosCluster } from './cluster.ts';
import { userCount } from './schedule.ts';
import { createSupervised, type Supervised } from './supervised.ts';
import type { Violations } from './violations.ts';

/** Low enough that the plan reaches it sometimes. */
export const maxProjects = 12;
const accessSecret = 'an access secret of chaos, longer than 32 characters';

export interface World {
  cluster: ChaosCluster;
  postgres: OwnPostgres;
  redis: OwnRedis;
  /** The proxy through which the workers reach the Kubernetes API. */
  kubernetes: FaultyKubernetes;
  servers: Supervised[];
  workers: Supervised[];
  /** One between the clients and each server. */
  proxies: TcpProxy[];
  /** The access token of each user. */
  tokens: string[];
  /** A direct connection to the database. */
  db: Database;
  /** Repairs whatever faults have left: thaws, reconnects and restarts. */
  heal(): Promise<void>;
  /** Ends everything, in whatever state it is. */
  stop(): Promise<void>;
}

export async function startWorld(options: { violations: Violations; log: (line: string) => void }): Promise<World> {
  const { violations, log } = options;
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  const keep = async <T>(starting: Promise<T>, end: (value: T) => Promise<unknown>): Promise<T> => {
    const value = await starting;
    undo.push(() => end(value));
    return value;
  };

  try {
    const started = await Promise.allSettled([
      keep(createOwnPostgres(), (service) => service.stop()),
      keep(createOwnRedis(), (service) => service.stop()),
      keep(startChaosCluster(), (one) => one.stop()),
    ] as const);
    const [postgres, redis, cluster] = started.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    }) as [OwnPostgres, OwnRedis, ChaosCluster]; // in the order of the list above
    const kubernetes = await keep(createFaultyKubernetes(cluster.kubeconfigPath), (proxy) => proxy.stop());
    const db = openDatabase(postgres.url);
    undo.push(() => db.destroy());
    const tokens = await Promise.all(Array.from({ length: userCount }, (_, user) => mintToken(db, user)));

    const common = { databaseUrl: postgres.url, redisUrl: redis.url };
    const watched = {
      onFailedStart: (name: string, output: string) => log(`${name} could not start, retrying: ${lastLine(output)}`),
      onUnexpectedEnd: (name: string, exit: { code: number | null; signal: string | null }, output: string) =>
        violations.report(
          'I7',
          null,
          `${name} ended by itself (${exit.signal ?? `exit code ${exit.code}`}): ${lastLine(output)}`,
        ),
    };
    const servers = await both(async (index) => {
      const port = await findKeptPort();
      const env = { MAX_PROJECTS_PER_USER: String(maxProjects), ACCESS_SECRET: accessSecret };
      const launch = () => startServerProcess({ ...common, port, env });
      return { supervised: createSupervised({ name: `server ${index}`, launch, ...watched }), port };
    });
    const workers = await both(async (index) => {
      const port = await findKeptPort();
      const { kubeconfigPath } = kubernetes;
      // A project that was refused for a right is tried again after 30 s. Chaos does not wait that long.
      const env = { ACCESS_SECRET: accessSecret, REFUSED_RETRY_MS: '3000' };
      const entry = 'tests/faults/tuned-worker.ts';
      const launch = () => startWorkerProcess({ ...common, port, kubeconfigPath, env, entry });
      return { supervised: createSupervised({ name: `worker ${index}`, launch, ...watched }), port };
    });
    const processes = [...servers, ...workers].map(({ supervised }) => supervised);
    undo.push(() => Promise.all(processes.map((one) => one.end('SIGKILL'))));
    await Promise.all(processes.map((one) => one.start()));
    const proxies = await Promise.all(
      servers.map(({ port }) => keep(createTcpProxy({ host: '127.0.0.1', port }), (proxy) => proxy.close())),
    );

    return {
      cluster,
      postgres,
      redis,
      kubernetes,
      servers: servers.map(({ supervised }) => supervised),
      workers: workers.map(({ supervised }) => supervised),
      proxies,
      tokens,
      db,
      async heal() {
        for (const service of [postgres, redis]) service.thaw();
        await Promise.all([postgres.start(), redis.start()]);
        await redis.empty();
        for (const proxy of proxies) proxy.restore();
        for (const one of processes) {
          one.current()?.thaw();
          one.current()?.setClock(0);
        }
        await Promise.all(processes.map((one) => one.start()));
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const both = <T>(make: (index: number) => Promise<T>): Promise<T[]> => Promise.all([make(0), make(1)]);

/** Waits longer than the connections of the system: a slow machine is no violation. */
function openDatabase(url: string): Database {
  const silent = () => undefined; // its connections break when PostgreSQL is killed
  return knex({
    client: 'pg',
    ...knexSnakeCaseMappers(),
    connection: { connectionString: url, application_name: 'opencode-chaos', connectionTimeoutMillis: 20_000 },
    pool: { min: 0, max: 3, idleTimeoutMillis: 1_000 },
    log: { warn: silent, error: silent, deprecate: silent, debug: silent },
  });
}

async function mintToken(db: Database, index: number): Promise<string> {
  const user = await upsertUser(db, {
    issuer: testIssuer,
    subject: `user-${index}`,
    email: null,
    name: `User ${index}`,
    picture: null,
  });
  return (await insertAccessToken(db, { userId: user.id, name: 'chaos', expiresAt: null })).token;
}

function lastLine(text: string): string {
  return (text.trim().split('\n').at(-1) ?? '').slice(0, 300);
}
