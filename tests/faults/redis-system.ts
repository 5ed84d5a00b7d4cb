/** A server and workers as processes with the times of production, around a Redis that a test may kill, freeze or fill. */

import { bearer, createApiCall } from '../support/api-call.ts';
import { createOwnRedis, type OwnRedis } from '../support/own-services.ts';
import { mintToken } from '../support/test-server.ts';
import { createWorkerSystem, startQuickCluster } from '../support/worker-system.ts';

export type RedisSystem = Awaited<ReturnType<typeof createRedisSystem>>;

interface RedisSystemOptions {
  workers: number;
  workerEnv?: Record<string, string>;
  /** Runs before anything connects to Redis. */
  prepare?: (redis: OwnRedis) => Promise<void>;
}

export async function createRedisSystem(options: RedisSystemOptions) {
  const [redis, cluster] = await Promise.all([createOwnRedis(), startQuickCluster()]);
  await options.prepare?.(redis);
  const system = await createWorkerSystem(cluster, { redis });
  const [server, ...workers] = await Promise.all([
    system.startServerProcess({ MAX_PROJECTS_PER_USER: '10000' }),
    ...Array.from({ length: options.workers }, () => system.startWorkerProcess(options.workerEnv)),
  ]);
  const token = await mintToken(system.places.databaseUrl, 'user');
  return {
    ...system,
    redis,
    cluster,
    server,
    workers,
    token,
    /** Calls the API as a person who is signed in. */
    call: createApiCall(server.url, bearer(token)),
    async stop() {
      redis.thaw();
      await system.stop();
      await Promise.all([redis.stop(), cluster.stop()]);
    },
  };
}
