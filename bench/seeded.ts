/** Creates projects that run already, in the state that a worker leaves, for measures of what happens afterwards. */

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { PatchStrategy, setHeaderOptions, type V1PodStatus } from '@kubernetes/client-node';

import { readInstallationId } from '../src/shared/node/db/installation-repository.ts';
import type { ProjectRecord } from '../src/shared/node/db/project-record.ts';
import { insertProject } from '../src/shared/node/db/projects-repository.ts';
import { readWorkerConfig } from '../src/worker/config.ts';
import { claimManifest, podManifest } from '../src/worker/pods/kube/manifests.ts';
import { timesOf } from './measure.ts';
import type { World } from './world.ts';

const namespace = 'opencode';
const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

/** Inserts a row like `projects.create`, without a job. */
export async function seedRow(world: World, ownerId: string): Promise<ProjectRecord> {
  const id = randomUUID();
  const { record } = await world.db.transaction((trx) =>
    insertProject(
      trx,
      {
        id,
        ownerId,
        idempotencyKey: null,
        name: `seeded ${id}`,
        description: '',
        repoUrl: null,
        namespace,
        podName: `project-${id}`,
        workspacePvcName: `workspace-${id}`,
      },
      { maxProjects: 1_000_000 },
    ),
  );
  return record;
}

/** Creates the claim and the running pod of a project. */
async function createSeededPod(world: World, record: ProjectRecord, settings: PodSettings): Promise<void> {
  await world.api.createNamespacedPersistentVolumeClaim({ namespace, body: claimManifest(record, settings) });
  const pod = podManifest(record, settings);
  if (pod.spec) pod.spec.nodeName = 'bench';
  await world.api.createNamespacedPod({ namespace, body: pod });
  await reportRestarts(world, record.podName, 0);
}

type PodSettings = Parameters<typeof podManifest>[1];

export async function podSettings(world: World): Promise<PodSettings> {
  const { pod } = readWorkerConfig({ DATABASE_URL: 'postgresql://x', REDIS_URL: 'redis://x' });
  return { ...pod, installationId: await readInstallationId(world.db), accessKeyId: '00000000' };
}

/** Writes the status of a running pod whose first container has restarted `restarts` times. */
export async function reportRestarts({ api }: World, podName: string, restarts: number): Promise<void> {
  const body = { status: runningStatus(restarts) };
  await api.patchNamespacedPodStatus({ name: podName, namespace, body }, mergePatch);
}

function runningStatus(restarts: number): V1PodStatus {
  const lastTransitionTime = new Date();
  return {
    phase: 'Running',
    podIP: '10.0.0.1',
    conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({
      type,
      status: 'True',
      lastTransitionTime,
    })),
    containerStatuses: ['opencode-server', 'file-browser', 'session-proxy'].map((name, index) => ({
      name,
      image: name,
      imageID: name,
      ready: true,
      started: true,
      restartCount: index === 0 ? restarts : 0,
      state: { running: { startedAt: lastTransitionTime } },
    })),
  };
}

/** Creates `count` running projects. The owners take turns. Each row is followed by its pod at once, so a running worker finds both. */
export async function seedRunning(world: World, ownerIds: readonly string[], count: number): Promise<ProjectRecord[]> {
  const records: ProjectRecord[] = [];
  const settings = await podSettings(world);
  await timesOf(count, 20, async (index) => {
    const record = await seedRow(world, ownerIds[index % ownerIds.length] ?? '');
    await createSeededPod(world, record, settings);
    await world.db('projects').where({ id: record.id }).update({ observed_generation: record.generation });
    records.push(record);
  });
  return records;
}

/** Waits until all projects are ready and no command is pending. */
export async function untilAllReady({ db }: World): Promise<void> {
  const unready = () =>
    db('projects')
      .whereNull('deleted_at')
      .whereRaw("(status <> 'ready' or observed_generation < generation)")
      .count<{ count: string }[]>({ count: '*' });
  while (Number((await unready())[0]?.count) > 0) await delay(50);
}
