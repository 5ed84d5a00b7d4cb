import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { noUsage } from '../../../src/shared/contract/tasks.ts';
import type { Database } from '../../../src/shared/node/db/database.ts';
import { changeRun, findRun, insertRun } from '../../../src/shared/node/db/runs-repository.ts';
import { insertTask } from '../../../src/shared/node/db/tasks-repository.ts';
import { createLog } from '../../../src/shared/node/log.ts';
import { createRunAttempts, type BegunRun } from '../../../src/worker/runs/run-attempts.ts';
import { createFakeOpenCode, type FakeOpenCode } from '../../support/fake-opencode.ts';
import { createProjects, testAccessKeys } from '../../support/gateway-system.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { startRunWorker } from '../../support/run-worker.ts';
import { createTestDatabase, createTestRedis, type TestDatabase, type TestRedis } from '../../support/services.ts';

const log = createLog({ name: 'test', level: 'silent' });
const address = '127.99.4.7';
let database: TestDatabase;
let redis: TestRedis;
let db: Database;
let openCode: FakeOpenCode;
let projectId: string;

beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase(), createTestRedis()]);
  db = openTestDatabase(database.url);
  openCode = createFakeOpenCode({ workMs: () => 10, asks: () => false });
  await openCode.serve(address);
  projectId = await createProjects(db, testAccessKeys).createProject('owner', address);
});
afterAll(async () => {
  await openCode.kill();
  await db.destroy();
  await database.drop();
});

async function addRun(): Promise<string> {
  const [taskId, id] = [randomUUID(), randomUUID()];
  const task = {
    id: taskId,
    projectId,
    idempotencyKey: null,
    title: 'a task',
    description: '',
    state: 'TODO',
    priority: 'normal',
    place: 'bottom',
  } as const;
  await db.transaction((trx) => insertTask(trx, task, { maxTasks: 100 }));
  const run = {
    id,
    taskId,
    projectId,
    idempotencyKey: id,
    prompt: `prompt of ${id}`,
    message: 'queued',
    continues: null,
  };
  await insertRun(db, run, { maxActive: 100 });
  return id;
}

/** Begins to follow a run, as a worker of its own. A worker that was killed is one that never calls `end`. */
const begin = (id: string): Promise<BegunRun> => createRunAttempts({ db, log }).begin(id);
const unfinished = async (id: string) => (await findRun(db, id))?.unfinishedAttempts;

async function end(begun: BegunRun): Promise<void> {
  if ('end' in begun) await begun.end();
}

describe('fault 48: a run that ends each worker that follows it', () => {
  it('is given up with words after four workers, while another run of the same workers goes on', async () => {
    const [poison, bystander] = [await addRun(), await addRun()];
    for (let killed = 0; killed < 4; killed += 1) expect(await begin(poison)).toMatchObject({ kind: 'begun' });
    for (let killed = 0; killed < 2; killed += 1) expect(await begin(bystander)).toMatchObject({ kind: 'begun' });
    const worker = startRunWorker({ databaseUrl: database.url, redisUrl: redis.url });
    try {
      await expect.poll(async () => (await findRun(db, bystander))?.state, { timeout: 30_000 }).toBe('succeeded');
      await expect.poll(async () => (await findRun(db, poison))?.state, { timeout: 30_000 }).toBe('failed');
    } finally {
      await worker.stop();
    }
    expect((await findRun(db, poison))?.message).toMatch(/four workers in a row.*Then choose “Run again”\.$/);
    expect(openCode.prompts()).toEqual([`prompt of ${bystander}`]);
    expect([await unfinished(poison), await unfinished(bystander)]).toEqual([0, 0]);
  });

  it('is tried alone by its worker, until its attempt ends', async () => {
    const [poison, other] = [await addRun(), await addRun()];
    for (const id of [poison, other, poison, other]) await begin(id);
    const attempts = createRunAttempts({ db, log });
    const trial = await attempts.begin(poison);
    expect(trial).toMatchObject({ kind: 'begun' });
    expect(await attempts.begin(other)).toEqual({ kind: 'wait' });
    expect(await unfinished(other)).toBe(2);
    await end(trial);
    const next = await attempts.begin(other);
    expect(next).toMatchObject({ kind: 'begun' });
    await end(next);
    expect([await unfinished(poison), await unfinished(other)]).toEqual([0, 0]);
  });

  it('is not one whose job another worker took over from a worker that lives', async () => {
    const id = await addRun();
    const [older, newer] = [await begin(id), await begin(id)];
    expect(await unfinished(id)).toBe(2);
    await end(older);
    expect(await unfinished(id)).toBe(1);
    await end(newer);
    expect(await unfinished(id)).toBe(0);
  });

  it('is not begun when it has ended', async () => {
    const id = await addRun();
    await changeRun(db, { id }, () => ({ state: 'failed', message: 'ended', usage: noUsage }));
    expect(await begin(id)).toEqual({ kind: 'missing' });
  });
});

describe('fault 32: a run whose row was restored from before its prompt', () => {
  it('finds its session and its prompt again, and is not prompted twice', async () => {
    const worker = startRunWorker({ databaseUrl: database.url, redisUrl: redis.url });
    try {
      const id = await addRun();
      const hasSucceeded = async () => (await findRun(db, id))?.state;
      await expect.poll(hasSucceeded, { timeout: 30_000 }).toBe('succeeded');
      const before = await findRun(db, id);
      const forgotten = { state: 'queued', endedAt: null, startedAt: null, opencodeSessionId: null, messageId: null };
      await db('runs').where({ id }).update(forgotten);
      await expect.poll(hasSucceeded, { timeout: 30_000 }).toBe('succeeded');
      const { opencodeSessionId, messageId } = before ?? {};
      expect(await findRun(db, id)).toMatchObject({ opencodeSessionId, messageId });
      expect(openCode.prompts().filter((text) => text === `prompt of ${id}`)).toHaveLength(1);
    } finally {
      await worker.stop();
    }
  });
});
