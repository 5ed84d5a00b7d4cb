/**
 * Makes room for a project that does not fit into the memory of this machine, when EMBEDDED_WHEN_FULL asks for that: stops the running
 * project that nobody has used for the longest time. It owns its connections, and issues commands like any owner of a project.
 */

import { randomUUID } from 'node:crypto';

import { z } from 'zod';

import { createPodRequests, podPorts, type PodRequests } from '../../server/files/pod-requests.ts';
import { systemClock } from '../../shared/clock.ts';
import { createAccessKeys, type AccessKeys } from '../../shared/node/access/credentials.ts';
import { readyPodOf, sidecarCredentialOf } from '../../shared/node/access/ready-pod.ts';
import { createAnnouncer } from '../../shared/node/announcer.ts';
import { commandProject } from '../../shared/node/command-project.ts';
import { createDatabase, type Database } from '../../shared/node/db/database.ts';
import type { ProjectRecord } from '../../shared/node/db/project-record.ts';
import { findProject, listReadyProjects } from '../../shared/node/db/projects-repository.ts';
import { createRestoredData } from '../../shared/node/db/restored-data.ts';
import { findProjectsWithRuns } from '../../shared/node/db/runs-repository.ts';
import { createLimitedWarn } from '../../shared/node/log-limit.ts';
import type { Log } from '../../shared/node/log.ts';
import { createProjectQueue } from '../../shared/node/project-queue.ts';
import { createRedis } from '../../shared/node/redis.ts';
import { noSizeRules } from '../../shared/node/sizes/size-rules.ts';
import { createStatusPublisher } from '../../shared/node/status-stream.ts';
import { chooseToStop, type Activity } from './choose-to-stop.ts';

/** More projects than fit into the memory of a machine. */
const maxRunning = 200;

const activitySchema = z.object({
  busySessions: z.number().nullable(),
  openTerminals: z.number(),
  lastRequestAt: z.iso.datetime().nullable(),
});

export interface RoomMaker {
  /** A project waits for memory. Call it again while it waits. Calls during an attempt are ignored. */
  request(projectId: string): void;
  /** As `request`, for one attempt. @returns the id of the project that is to stop, or `null` */
  makeRoom(projectId: string): Promise<string | null>;
  stop(): Promise<void>;
}

interface RoomConfig {
  databaseUrl: string;
  redisUrl: string;
  accessSecret: string;
  previousAccessSecret: string | null;
}

export function createRoomMaker(config: RoomConfig, { log }: { log: Log }): RoomMaker {
  const db = createDatabase(config.databaseUrl, { poolSize: 2, applicationName: 'opencode-room', log });
  const redis = createRedis(config.redisUrl, { purpose: 'producer', log });
  const queue = createProjectQueue({ redis, log });
  const command = {
    db,
    restoredData: createRestoredData({ db, log }),
    announcer: createAnnouncer({ queue, publisher: createStatusPublisher({ redis, log }) }),
    clock: systemClock,
    sizeRules: noSizeRules, // it only stops projects
  };
  const keys = createAccessKeys({ secret: config.accessSecret, previousSecret: config.previousAccessSecret });
  const requests = createPodRequests();
  const warn = createLimitedWarn(log);
  /** The project that ends now. The memory of a further one may not be needed. */
  let stopping: string | null = null;
  let attempt: Promise<unknown> | null = null;

  async function makeRoom(projectId: string): Promise<string | null> {
    if (stopping !== null && isEnding(await findProject(db, stopping))) return stopping;
    stopping = null;
    const waiting = await findProject(db, projectId);
    if (!waiting || waiting.desiredState !== 'running' || waiting.status === 'ready') return null;
    const chosen = chooseToStop(await readRunning({ db, keys, requests }));
    const record = chosen && (await findProject(db, chosen.id));
    if (!record) return null;
    const { id } = record;
    const by = { message: reasonToStop };
    await commandProject(command, { id, command: 'stop', requestId: randomUUID(), by });
    log.info({ projectId: id, for: projectId }, 'a project is stopped to make room for another one');
    stopping = id;
    return id;
  }

  return {
    makeRoom,
    request(projectId) {
      attempt ??= makeRoom(projectId)
        .catch((error: unknown) => warn('room', { error: String(error) }, 'no room could be made; trying again'))
        .finally(() => (attempt = null));
    },
    async stop() {
      await attempt;
      await queue.close().catch(() => undefined); // Redis does not answer
      redis.disconnect();
      await requests.close();
      await db.destroy();
    },
  };
}

const isEnding = (project: ProjectRecord | null): boolean =>
  project !== null && project.desiredState !== 'running' && project.podUid !== null;

/** It names no project: members read the timeline, also those who are added later. */
const reasonToStop =
  'Stopped to make room for another project: the memory of this machine is full, and this project was not used for the longest time.';

async function readRunning({ db, keys, requests }: { db: Database; keys: AccessKeys; requests: PodRequests }) {
  const projects = await listReadyProjects(db, { limit: maxRunning });
  const withRuns = await findProjectsWithRuns(
    db,
    projects.map(({ id }) => id),
  );
  return Promise.all(
    projects.map(async (project) => ({
      id: project.id,
      startedAt: project.podCreatedAt ?? project.updatedAt,
      activity: await readActivity(project, { keys, requests }),
      hasRun: withRuns.has(project.id),
    })),
  );
}

/** @returns `null` when the pod does not answer, or is no process */
async function readActivity(
  project: ProjectRecord,
  { keys, requests }: { keys: AccessKeys; requests: PodRequests },
): Promise<Activity | null> {
  const pod = readyPodOf(project, (of) => sidecarCredentialOf(keys, of));
  if (typeof pod === 'string') return null;
  const target = { address: pod.address, credential: pod.credential, port: podPorts.sessionProxy };
  return requests.json(target, { method: 'GET', path: '/activity', schema: activitySchema }).catch(() => null); // it is not known, so the project counts as used
}
