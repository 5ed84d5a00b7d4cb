import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { startFakePod, type FakePod } from '../../../tests/support/fake-pod.ts';
import { createProjects, testAccessKeys, testAccessSecret } from '../../../tests/support/gateway-system.ts';
import { openTestDatabase } from '../../../tests/support/open-test-database.ts';
import { createTestDatabase, createTestRedis } from '../../../tests/support/services.ts';
import { listProjectEvents } from '../../shared/node/db/project-events-repository.ts';
import { findProject } from '../../shared/node/db/projects-repository.ts';
import { insertRun } from '../../shared/node/db/runs-repository.ts';
import { insertTask } from '../../shared/node/db/tasks-repository.ts';
import { createLog } from '../../shared/node/log.ts';
import { createRoomMaker, type RoomMaker } from './make-room.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: ReturnType<typeof openTestDatabase>;
let projects: ReturnType<typeof createProjects>;
let room: RoomMaker;
const pods: FakePod[] = [];

beforeAll(async () => {
  const [created, redis] = await Promise.all([createTestDatabase(), createTestRedis()]);
  database = created;
  db = openTestDatabase(database.url, { poolSize: 2 });
  projects = createProjects(db, testAccessKeys);
  room = createRoomMaker(
    {
      databaseUrl: database.url,
      redisUrl: redis.url,
      accessSecret: testAccessSecret,
      previousAccessSecret: null,
    },
    { log: createLog({ name: 'test', level: 'silent' }) },
  );
});
afterAll(async () => {
  await room?.stop();
  await db?.destroy();
  await database?.drop();
  for (const pod of pods) await pod.stop();
});

/** A running project of this person, whose session proxy says this. */
async function createRunning(owner: string, activity: object): Promise<string> {
  const pod = await startFakePod((_request, response) => response.end(JSON.stringify(activity)));
  pods.push(pod);
  return projects.createProject(owner, pod.address, {
    podCreatedAt: '2026-01-01T08:00:00.000Z',
  });
}

const used = (hour: number, changes = {}) => ({
  busySessions: 0,
  openTerminals: 0,
  lastRequestAt: `2026-01-01T${hour}:00:00.000Z`,
  ...changes,
});

async function addRun(projectId: string): Promise<void> {
  const [id, taskId] = [randomUUID(), randomUUID()];
  const task = {
    title: 'A task',
    description: '',
    state: 'TODO',
    priority: 'normal',
    place: 'bottom',
    idempotencyKey: null,
  } as const;
  await db.transaction((trx) => insertTask(trx, { id: taskId, projectId, ...task }, { maxTasks: 1 }));
  const run = { id, taskId, projectId, idempotencyKey: 'key', prompt: 'Go', message: '' };
  await insertRun(db, { ...run, continues: null }, { maxActive: 1 });
}

async function statesOf(ids: string[]) {
  return Promise.all(ids.map(async (id) => (await findProject(db, id))?.desiredState));
}

it('the unused project of another person is stopped before a newer one, says why, and names no project of others', async () => {
  const unused = await createRunning('owner', used(10));
  const newer = await createRunning('owner', used(12));
  const busy = await createRunning('owner', used(9, { busySessions: 1 }));
  const withRun = await createRunning('owner', used(9));
  await addRun(withRun);
  const waiting = await projects.createProject('guest', null, {
    status: 'initializing',
    podUid: null,
  });

  expect(await room.makeRoom(waiting)).toBe(unused);
  expect(await statesOf([unused, newer, busy, withRun])).toEqual(['stopped', 'running', 'running', 'running']);
  const [entry] = await listProjectEvents(db, {
    projectId: unused,
    beforeId: null,
    limit: 1,
  });
  expect(entry).toMatchObject({ kind: 'stop-requested', actor: null });
  expect(entry?.message).toMatch(/^Stopped to make room for another project: /);

  // No further one is stopped while its pod ends. Afterwards the next one is, if that was not enough.
  expect(await room.makeRoom(waiting)).toBe(unused);
  await projects.patchProject(unused, { status: 'stopped', podUid: null, podIp: null });
  expect(await room.makeRoom(waiting)).toBe(newer);
  await projects.patchProject(newer, { status: 'stopped', podUid: null, podIp: null });
  expect(await room.makeRoom(waiting)).toBeNull();
  expect(await statesOf([busy, withRun])).toEqual(['running', 'running']);
});
