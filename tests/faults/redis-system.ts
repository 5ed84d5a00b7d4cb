/** Everything as it runs in production, around a Redis that a test may kill, freeze, fill and wipe. */

import { createDatabase } from '../../src/shared/node/db/database.ts';
import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import { findProject } from '../../src/shared/node/db/projects-repository.ts';
import { bearer, createApiCall } from '../support/api-call.ts';
import { createFaultyKubernetes } from '../support/faulty-kubernetes.ts';
import { createOwnRedis } from '../support/own-services.ts';
import { startServerProcess, startWorkerProcess } from '../support/processes.ts';
import { createTestDatabase } from '../support/services.ts';
import { mintToken } from '../support/test-server.ts';
import { startQuickCluster } from '../support/worker-system.ts';

export type RedisSystem = Awaited<ReturnType<typeof createRedisSystem>>;

/** A server and workers as processes with their own timing, a cluster, and one signed-in person. */
export async function createRedisSystem(options: { workers: number }) {
  const [database, redis, cluster] = await Promise.all([createTestDatabase(), createOwnRedis(), startQuickCluster()]);
  const kubernetes = await createFaultyKubernetes(cluster.kubeconfigPath);
  const urls = { databaseUrl: database.url, redisUrl: redis.url };
  const { kubeconfigPath } = kubernetes;
  const [server, ...workers] = await Promise.all([
    startServerProcess({ ...urls, env: { MAX_PROJECTS_PER_USER: '10000' } }),
    ...Array.from({ length: options.workers }, () => startWorkerProcess({ ...urls, kubeconfigPath })),
  ]);
  const db = createDatabase(database.url);
  const token = await mintToken(database.url, 'user');

  return {
    redis,
    cluster,
    kubernetes,
    server,
    workers,
    db,
    databaseUrl: database.url,
    token,
    call: createApiCall(server.url, bearer(token)),
    async read(id: string): Promise<ProjectRecord> {
      const record = await findProject(db, id);
      if (!record) throw new Error(`There is no project ${id}.`);
      return record;
    },
    /** The names of the objects of this kind that bear the project's label. */
    async podsOf(id: string) {
      const selector = { namespace: 'opencode', labelSelector: `project-id=${id}` };
      return (await cluster.api.listNamespacedPod(selector)).items;
    },
    async claimsOf(id: string) {
      const selector = { namespace: 'opencode', labelSelector: `project-id=${id}` };
      return (await cluster.api.listNamespacedPersistentVolumeClaim(selector)).items;
    },
    async stop() {
      redis.thaw();
      await Promise.all([server, ...workers].map((each) => each.kill()));
      await db.destroy();
      await Promise.all([redis.stop(), kubernetes.stop(), database.drop()]);
      await cluster.stop();
    },
  };
}
