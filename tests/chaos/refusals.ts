/** Faults of dependencies that answer: they refuse, lie, send what cannot be read, or were restored from a backup. */

import { setTimeout as delay } from 'node:timers/promises';

import { Client } from 'pg';

import { projectRecordSchema } from '../../src/shared/node/db/project-record.ts';
import { projectSelector } from '../../src/worker/pods/kube/manifests.ts';
import { copyDatabase, runAsAdmin } from '../support/database-backup.ts';
import type { Fault, PassingRequest } from '../support/faulty-kubernetes.ts';
import type { WatchEvent } from '../support/faulty-watch.ts';
import { isCall } from '../support/kubernetes-refusal.ts';
import { namespace, type ChaosCluster } from './cluster.ts';
import type { Ledger } from './ledger.ts';
import type { Sender } from './sender.ts';
import type { World } from './world.ts';

/** What is wrong until `repair`. */
export interface Inflicted {
  repair(): Promise<void>;
}

/** Each connection is closed, so that none keeps its settings from before. */
async function alterDatabase({ postgres }: World, change: string): Promise<void> {
  const name = new URL(postgres.url).pathname.slice(1);
  await runAsAdmin(postgres.adminUrl, `alter database ${name} ${change}`);
  const sessions = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`;
  await runAsAdmin(postgres.adminUrl, sessions);
}

export async function makeDatabaseReadOnly(world: World): Promise<Inflicted> {
  await alterDatabase(world, 'set default_transaction_read_only = on');
  // Old connections stay read-only, as after a failover.
  const name = new URL(world.postgres.url).pathname.slice(1);
  const reset = `alter database ${name} reset default_transaction_read_only`;
  return { repair: () => runAsAdmin(world.postgres.adminUrl, reset) };
}

export async function refuseConnections(world: World): Promise<Inflicted> {
  await alterDatabase(world, 'allow_connections false');
  return { repair: () => alterDatabase(world, 'allow_connections true') };
}

/** The repair is the restore of the backup that is made now. No command is under way meanwhile: nobody could say what counts. */
export async function backUp(world: World, { sender, ledger }: { sender: Sender; ledger: Ledger }): Promise<Inflicted> {
  const { postgres, db } = world;
  const backup = await copyDatabase(postgres.adminUrl, postgres.url);
  const restore = async () => {
    await backup.restore();
    const rows = await retried(() => db('projects').select('*'));
    ledger.restored(rows.map((row) => projectRecordSchema.parse(row)));
    await backup.drop();
  };
  return { repair: () => sender.whileSilent(restore) };
}

/** The database may be away, and the pool may have connections from before. */
async function retried<T>(work: () => PromiseLike<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt === 100) throw error;
      await delay(200);
    }
  }
}

/** The fault needs something that is not there now. */
export class NotInjectable extends Error {}

/** A row with times that JavaScript does not have. Afterwards it has a new version, because servers may have sent it. */
export async function poisonRow({ postgres }: World, projectId: string): Promise<Inflicted> {
  const change = async (statement: string) => {
    const client = new Client({ connectionString: postgres.url });
    await client.connect();
    try {
      await client.query(statement, [projectId]);
    } finally {
      await client.end();
    }
  };
  const poison = `update projects set created_at = '-infinity', updated_at = 'infinity', reason_since = 'infinity' where id = $1`;
  await change(poison).catch((error: unknown) => {
    throw new NotInjectable('PostgreSQL does not take the row', { cause: error });
  });
  const cure = `update projects set created_at = now(), status_version = status_version + 1,
      updated_at = case when updated_at = 'infinity' then now() else updated_at end,
      reason_since = case when reason_since = 'infinity' then now() else reason_since end
    where id = $1`;
  // PostgreSQL has faults of its own meanwhile.
  return { repair: () => retried(() => change(cure)) };
}

/** Objects of this pod as watches report them. The kind of poison depends on `pick`. */
export function poisonObjects({ kubernetes }: World, podName: string, pick: number): Inflicted {
  kubernetes.alter = (event: WatchEvent) => {
    if (event.object.metadata?.name !== podName) return [event];
    const pod = event.object as unknown as { metadata: Record<string, unknown>; status?: Record<string, unknown> }; // of a pod
    if (pick < 0.33) pod.metadata['creationTimestamp'] = 'soon';
    else (pod.status ??= {})['message'] = pick < 0.66 ? 'before\0after \uD83D' : 'long '.repeat(200_000);
    return [event];
  };
  for (const watch of kubernetes.watches) watch.reset();
  return {
    async repair() {
      kubernetes.alter = (event) => [event];
      for (const watch of kubernetes.watches) watch.reset();
    },
  };
}

/** The answer to a list: with status 200, and without some objects. */
export function incompleteLists(cluster: ChaosCluster, pick: number): (request: PassingRequest) => Fault | undefined {
  const { api } = cluster;
  const selected = { namespace, labelSelector: projectSelector };
  const reads = {
    pods: () => api.listNamespacedPod(selected),
    persistentvolumeclaims: () => api.listNamespacedPersistentVolumeClaim(selected),
  };
  return (request) => {
    for (const plural of ['pods', 'persistentvolumeclaims'] as const) {
      if (!isCall('LIST', plural)(request)) continue;
      return reads[plural]().then(({ metadata, items }) => {
        const kept: object[] = pick < 0.5 ? [] : items.slice(0, Math.floor(items.length / 2));
        const body = { kind: 'List', metadata: { resourceVersion: metadata?.resourceVersion }, items: kept };
        return { status: 200, body };
      });
    }
    return undefined;
  };
}

export async function takeRights({ redis }: World, pick: number): Promise<Inflicted> {
  const rights = pick < 0.34 ? '-@all' : pick < 0.67 ? '-eval -evalsha -fcall' : '-@blocking';
  await redis.setRights(rights);
  return { repair: () => redis.setRights('+@all') };
}

export async function becomeReplica({ redis }: World): Promise<Inflicted> {
  await redis.becomeReplica();
  return { repair: () => redis.becomePrimary() };
}
