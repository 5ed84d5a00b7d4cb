/** Agent runs in an OpenCode that answers, and does not do what a run needs. */

import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import type { Database } from '../../../src/shared/node/db/database.ts';
import type { RunRecord } from '../../../src/shared/node/db/run-record.ts';
import { changeRun, findRun, insertRun } from '../../../src/shared/node/db/runs-repository.ts';
import { insertTask } from '../../../src/shared/node/db/tasks-repository.ts';
import { createOpenCodeClient } from '../../../src/shared/opencode/opencode-client.ts';
import type { RunTimes } from '../../../src/worker/runs/decide-run.ts';
import { createFakeOpenCode, type FakeOpenCode, type Treatment } from '../../support/fake-opencode.ts';
import { createProjects, testAccessKeys } from '../../support/gateway-system.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { startRunWorker } from '../../support/run-worker.ts';
import { createTestDatabase, createTestRedis, type TestDatabase, type TestRedis } from '../../support/services.ts';

const address = '127.99.4.8';
/** Production waits as long as a slow OpenCode may need. */
const times: RunTimes = { settleMs: 300, interruptedMs: 500, neverBegunMs: 20_000, abortMs: 1_000, noAnswerMs: 2_000 };
const endMs = { timeout: 30_000 };
let database: TestDatabase;
let redis: TestRedis;
let db: Database;
let openCode: FakeOpenCode;
let projectId: string;
/** The end of a route, and what OpenCode does with calls to it. */
let stubborn: { at: string; treatment: Treatment } | null = null;

beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase(), createTestRedis()]);
  db = openTestDatabase(database.url);
  openCode = createFakeOpenCode({
    workMs: () => 10,
    asks: (prompt) => prompt.endsWith('ask'),
    treats: (route) => (stubborn && route.endsWith(stubborn.at) ? stubborn.treatment : 'obeys'),
  });
  await openCode.serve(address);
  projectId = await createProjects(db, testAccessKeys).createProject('owner', address);
});
afterAll(async () => {
  await openCode.kill();
  await db.destroy();
  await database.drop();
});
beforeEach(() => {
  stubborn = null;
});

/** Starts a worker, and a run whose agent asks for a permission. */
async function startRun(): Promise<string> {
  const worker = startRunWorker({ databaseUrl: database.url, redisUrl: redis.url, times });
  onTestFinished(() => worker.stop());
  const [taskId, id] = [randomUUID(), randomUUID()];
  const task = { id: taskId, projectId, idempotencyKey: null, title: 'a task', description: '' };
  const column = { state: 'TODO', priority: 'normal', place: 'bottom' } as const;
  await db.transaction((trx) => insertTask(trx, { ...task, ...column }, { maxTasks: 100 }));
  const run = { id, taskId, projectId, idempotencyKey: id, prompt: `${id} ask`, message: 'queued', continues: null };
  await insertRun(db, run, { maxActive: 100 });
  return id;
}

async function read(id: string): Promise<RunRecord> {
  const run = await findRun(db, id);
  if (!run) throw new Error(`There is no run ${id}.`);
  return run;
}

const untilState = (id: string, state: RunRecord['state']) =>
  expect.poll(async () => (await read(id)).state, endMs).toBe(state);

function isAgentBusy(run: RunRecord): Promise<boolean> {
  const { sidecar: credential } = testAccessKeys.currentCredentials(projectId);
  const client = createOpenCodeClient({ address, credential, signal: AbortSignal.timeout(10_000) });
  return client.readStatus(run.opencodeSessionId ?? '').then((status) => status !== null);
}

const treatments = ['ignores', 'refuses', 'hangs up'] as const;

describe('fault 48: an OpenCode that answers, and', { timeout: 60_000 }, () => {
  it.for(treatments)(
    '%s each abort: the run is aborted and says so, and its agent is stopped later',
    async (treatment) => {
      stubborn = { at: '/abort', treatment };
      const id = await startRun();
      await untilState(id, 'waiting-for-answer');
      await changeRun(db, { id }, () => ({ desiredState: 'aborted', message: 'The run is being aborted.' }));
      await untilState(id, 'aborted');
      const run = await read(id);
      expect(run.message).toContain('may still work');
      expect(await isAgentBusy(run)).toBe(true);
      stubborn = null;
      await expect.poll(() => isAgentBusy(run), endMs).toBe(false);
    },
  );

  it('carries out an abort: the run does not say that its agent may still work', async () => {
    const id = await startRun();
    await untilState(id, 'waiting-for-answer');
    await changeRun(db, { id }, () => ({ desiredState: 'aborted', message: 'The run is being aborted.' }));
    await untilState(id, 'aborted');
    expect((await read(id)).message).not.toContain('may still work');
  });

  it.for(treatments)('%s each prompt: the run fails and says what to do', async (treatment) => {
    stubborn = { at: '/prompt_async', treatment };
    const id = await startRun();
    await untilState(id, 'failed');
    expect((await read(id)).message).toMatch(/OpenCode does not do what a run needs.*Restart the project/);
  });

  it('ignores an answer: the run fails and says what to do', async () => {
    stubborn = { at: '/reply', treatment: 'ignores' };
    const id = await startRun();
    await untilState(id, 'waiting-for-answer');
    const { pending } = await read(id);
    const answers = { [pending[0]?.id ?? '']: { type: 'permission', reply: 'once' } as const };
    await changeRun(db, { id }, () => ({ answers }));
    await untilState(id, 'failed');
    expect((await read(id)).message).toMatch(/OpenCode does not do what a run needs.*Restart the project/);
  });
});
