/** Projects that nobody uses, from the API to the worker. Pods are servers of this test. */

import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { findProject } from '../../../src/shared/node/db/projects-repository.ts';
import { insertRun } from '../../../src/shared/node/db/runs-repository.ts';
import { insertTask } from '../../../src/shared/node/db/tasks-repository.ts';
import { createLog } from '../../../src/shared/node/log.ts';
import { noSizeRules } from '../../../src/shared/node/sizes/size-rules.ts';
import { createClient, type Client } from '../../../src/shared/sdk/client.ts';
import { createIdleStops } from '../../../src/worker/idle-stop/stop-idle-projects.ts';
import { derive } from '../../../src/worker/pods/status/derive.ts';
import { startFakePod, type FakePod } from '../../support/fake-pod.ts';
import { createProjects, testAccessKeys, testAccessSecret } from '../../support/gateway-system.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

let database: TestDatabase;
let db: ReturnType<typeof openTestDatabase>;
let server: TestServer;
let client: Client;
let pod: FakePod;
let projects: ReturnType<typeof createProjects>;

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  db = openTestDatabase(database.url, { poolSize: 4 });
  projects = createProjects(db, testAccessKeys);
  const env = { ACCESS_SECRET: testAccessSecret, IDLE_STOP_DEFAULT: '30m' };
  server = await startTestServer({ databaseUrl: database.url, redisUrl: redis.url, env });
  client = createClient({ url: server.url, token: await server.mintToken('owner') });
  pod = await startFakePod();
});
afterAll(async () => {
  await Promise.all([client.close(), server.stop(), pod.stop()]);
  await db.destroy();
  await database.drop();
});

const quiet = { instance: 'a', uses: 0, busySessions: 0, runningCommands: 0 };
/** What every pod says about its use; `null`: nothing. */
let activity: object | null = quiet;

/** The rounds of a worker. Its two clocks are those of this test. */
function startRounds() {
  let [wallMs, runningMs] = [Date.parse('2026-01-01T12:00:00Z'), 0];
  const published: string[] = [];
  const commanded: string[] = [];
  const createWorker = () =>
    createIdleStops({
      db,
      restoredData: { check: () => Promise.resolve(0) },
      announcer: { announce: (record) => Promise.resolve(void commanded.push(record.id)) },
      publisher: {
        publish: (entry) => Promise.resolve(published.push(entry.type === 'project' ? entry.project.id : '') > 0),
      },
      accessKeys: testAccessKeys,
      installationDefault: '30m',
      sizeRules: noSizeRules,
      clock: { now: () => wallMs, monotonic: () => runningMs },
      log: createLog({ name: 'test', level: 'silent' }),
    });
  const worker = createWorker();
  pod.answer((_request, response) => {
    if (activity === null) response.destroy();
    else response.end(JSON.stringify(activity));
  });
  /** In each minute every worker makes a round. */
  async function minutes(count: number, workers = [worker]): Promise<void> {
    for (let minute = 0; minute < count; minute += 1) {
      runningMs += 60_000;
      wallMs += 60_000;
      for (const each of workers) await each.visitAll(AbortSignal.timeout(20_000));
    }
  }
  /** Until the project counts down from ten minutes. */
  async function almost(id: string): Promise<void> {
    await minutes(1);
    const known = await db('project_use')
      .where({ projectId: id })
      .update({ idleSeconds: 20 * 60 });
    expect(known).toBe(1);
    await minutes(1);
    expect(await client.projects.get(id)).toMatchObject({ idleStopInMinutes: 10 });
  }
  return { createWorker, minutes, almost, published, commanded, stepClock: (ms: number) => (wallMs += ms) };
}

async function addRun(projectId: string): Promise<string> {
  const [id, taskId] = [randomUUID(), randomUUID()];
  const task = { title: 'A', description: '', state: 'TODO', priority: 'normal', place: 'bottom' } as const;
  await db.transaction((trx) =>
    insertTask(trx, { id: taskId, projectId, idempotencyKey: null, ...task }, { maxTasks: 1 }),
  );
  const run = { id, taskId, projectId, idempotencyKey: 'key', prompt: 'Go', message: '' };
  await insertRun(db, { ...run, continues: null }, { maxActive: 1 });
  return id;
}

describe('an unused project', () => {
  it('counts down in every window, is stopped, and says why until it is started', async () => {
    activity = quiet;
    const id = await projects.createProject('owner', pod.address);
    const { minutes, published, commanded } = startRounds();
    expect(await client.trpc.projects.idleStopDefault.query({})).toEqual({ idleStop: '30m' });
    await minutes(20);
    const before = await client.projects.get(id);
    expect(before).toMatchObject({ idleStop: 'default', idleStopInMinutes: null });
    await minutes(3);
    const counting = await client.projects.get(id);
    expect(counting).toMatchObject({ idleStopInMinutes: 8, updatedAt: before.updatedAt });
    expect(counting.statusVersion).toBe(before.statusVersion + 3);
    expect(published).toEqual([id, id, id]);
    await minutes(8);
    const stopping = await client.projects.get(id);
    expect(commanded).toEqual([id]);
    expect(stopping).toMatchObject({
      desiredState: 'stopped',
      generation: before.generation + 1,
      idleStopInMinutes: null,
      idleStoppedAfterMinutes: 30,
    });
    const [entry] = (await client.projects.activity(id)).items;
    expect(entry).toMatchObject({
      kind: 'stop-requested',
      actor: null,
      message: 'Stopped because it was idle for 30 minutes.',
    });

    await projects.patchProject(id, { observedGeneration: stopping.generation, podUid: null, podIp: null });
    const record = await findProject(db, id);
    const gone = { pod: null, claim: null };
    expect(record && derive(record, gone, '2026-01-01T12:00:00.000Z').patch).toMatchObject({
      status: 'stopped',
      message: 'Stopped because it was idle for 30 minutes. The files stay on the volume.',
    });
    expect(await client.projects.start(id)).toMatchObject({ idleStoppedAfterMinutes: null });
    await projects.patchProject(id, { desiredState: 'deleted' });
  });

  it('is kept by one click, by a changed file and by another setting', async () => {
    activity = quiet;
    const id = await projects.createProject('owner', pod.address);
    const { minutes, almost } = startRounds();
    await almost(id);
    expect(await client.projects.keep(id)).toMatchObject({ idleStopInMinutes: null });
    expect(await client.projects.keep(id)).toMatchObject({ idleStopInMinutes: null });
    await almost(id);
    // The file browser of this pod does not answer. It was a use all the same.
    await expect(client.files.write({ id, path: 'a.txt', content: 'text', version: null })).rejects.toThrow();
    await minutes(1);
    expect(await client.projects.get(id)).toMatchObject({ idleStopInMinutes: null });
    await almost(id);
    expect(await client.projects.update({ id, idleStop: '1h' })).toMatchObject({ idleStopInMinutes: null });
    await minutes(32);
    expect(await client.projects.get(id)).toMatchObject({ idleStop: '1h', idleStopInMinutes: null });
    await client.projects.update({ id, idleStop: 'never' });
    await db('project_use').where({ projectId: id }).update({ idleSeconds: 86_400 });
    await minutes(3);
    expect(await client.projects.get(id)).toMatchObject({ desiredState: 'running', idleStopInMinutes: null });
  });

  it('is not stopped when a command is given in the moment of the stop', async () => {
    activity = quiet;
    const id = await projects.createProject('owner', pod.address);
    const { minutes, almost, commanded } = startRounds();
    await almost(id);
    await minutes(9);
    expect(await client.projects.get(id)).toMatchObject({ idleStopInMinutes: 1 });
    pod.answer((_request, response) => {
      const restart = async () => {
        await client.projects.restart(id);
        response.end(JSON.stringify(quiet));
      };
      void restart();
    });
    await minutes(1);
    expect(commanded).toEqual([]);
    expect(await client.projects.get(id)).toMatchObject({ desiredState: 'running', status: 'initializing' });
    await projects.patchProject(id, { desiredState: 'deleted' });
  });
});

describe('fault 50: a project is not stopped', () => {
  it('while one of its runs waits for a permission', async () => {
    activity = quiet;
    const id = await projects.createProject('owner', pod.address);
    const { minutes, almost } = startRounds();
    await almost(id);
    const run = await addRun(id);
    await db('runs').where({ id: run }).update({ state: 'waiting-for-answer' });
    await minutes(32);
    expect(await client.projects.get(id)).toMatchObject({ desiredState: 'running', idleStopInMinutes: null });
    await db('runs').where({ id: run }).update({ state: 'aborted', endedAt: db.fn.now() });
    await almost(id);
    await minutes(10);
    expect(await client.projects.get(id)).toMatchObject({ desiredState: 'stopped' });
  });

  it('while a command runs in one of its terminals, an agent works, or its pod does not answer', async () => {
    const id = await projects.createProject('owner', pod.address);
    const { minutes, almost } = startRounds();
    for (const use of [{ ...quiet, runningCommands: 1 }, { ...quiet, busySessions: 1 }, {}, null]) {
      activity = quiet;
      await almost(id);
      activity = use;
      await minutes(12);
      expect(await client.projects.get(id)).toMatchObject({ desiredState: 'running', idleStopInMinutes: null });
    }
    await projects.patchProject(id, { desiredState: 'deleted' });
  });

  it('sooner when a clock is changed, when workers or session proxies restart, or when two workers count', async () => {
    activity = quiet;
    const id = await projects.createProject('owner', pod.address);
    const { minutes, almost, stepClock, createWorker } = startRounds();
    await almost(id);
    stepClock(365 * 86_400_000);
    await minutes(1);
    stepClock(-700 * 86_400_000);
    await minutes(1);
    expect(await client.projects.get(id)).toMatchObject({ idleStopInMinutes: 8 });

    const two = [createWorker(), createWorker()];
    await minutes(1, two); // what was counted is not lost, and their own time begins
    expect(await client.projects.get(id)).toMatchObject({ idleStopInMinutes: 8 });
    await minutes(3, two);
    expect(await client.projects.get(id)).toMatchObject({ idleStopInMinutes: 5 });

    activity = { ...quiet, instance: 'b' };
    await minutes(1, two);
    expect(await client.projects.get(id)).toMatchObject({ desiredState: 'running', idleStopInMinutes: null });
    await projects.patchProject(id, { desiredState: 'deleted' });
  });
});
