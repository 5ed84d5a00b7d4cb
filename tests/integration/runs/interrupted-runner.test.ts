/** Runners that are frozen or killed while a request of each kind is on its way to OpenCode. Another worker takes the runs over. */

import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import type { Database } from '../../../src/shared/node/db/database.ts';
import type { RunRecord } from '../../../src/shared/node/db/run-record.ts';
import { changeRun, findRun, insertRun } from '../../../src/shared/node/db/runs-repository.ts';
import { insertTask } from '../../../src/shared/node/db/tasks-repository.ts';
import { createFakeOpenCode, type FakeOpenCode, type HoldMoment } from '../../support/fake-opencode.ts';
import { freezeProcess } from '../../support/freeze.ts';
import { createProjects, testAccessKeys } from '../../support/gateway-system.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { startRunWorker, type RunWorker } from '../../support/run-worker.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';

const program = fileURLToPath(new URL('../../support/run-worker.ts', import.meta.url));
const soon = { timeout: 30_000, interval: 50 };

interface Step {
  title: string;
  /** The request that is on its way when the runner is interrupted. */
  route: RegExp;
  /** Commands of a person, as soon as the agent asks for a permission. */
  person: 'answers' | 'aborts';
  /** The command that a person gives while the runner is interrupted. */
  meanwhile?: 'aborts';
  ends: RunRecord['state'];
}

const steps: Step[] = [
  { title: 'prepares the workspace', route: /^POST \/pty$/, person: 'answers', ends: 'succeeded' },
  { title: 'creates the session', route: /^POST \/session$/, person: 'answers', ends: 'succeeded' },
  { title: 'observes the session', route: /^GET \/session\/status$/, person: 'answers', ends: 'succeeded' },
  { title: 'sends the prompt', route: /prompt_async$/, person: 'answers', ends: 'succeeded' },
  {
    title: 'sends the prompt of a run that is aborted meanwhile',
    route: /prompt_async$/,
    person: 'answers',
    meanwhile: 'aborts',
    ends: 'aborted',
  },
  { title: 'passes on an answer', route: /reply$/, person: 'answers', ends: 'succeeded' },
  { title: 'aborts the agent', route: /abort$/, person: 'aborts', ends: 'aborted' },
];
/** Of the request: it arrives when the run has just ended, or it was carried out and its answer arrives then. */
const moments: HoldMoment[] = ['before', 'after'];

interface Case extends Step {
  moment: HoldMoment;
  prompt: string;
  runId: string;
  openCode: FakeOpenCode;
  isHeld: boolean;
  release: () => void;
  /** The row when the run had ended. */
  ended: RunRecord | null;
}

describe.each(['frozen', 'killed'] as const)('fault 48: a runner that is %s while it', (fault) => {
  let database: TestDatabase;
  let db: Database;
  let cases: Case[] = [];
  let createProject: (name: string, address: string) => Promise<string>;
  const titles = moments.flatMap((moment) => steps.map(({ title }) => [title, moment] as const));

  beforeAll(async () => {
    const redis = await createTestRedis();
    database = await createTestDatabase();
    db = openTestDatabase(database.url);
    ({ createProject } = createProjects(db, testAccessKeys));
    const places = { databaseUrl: database.url, redisUrl: redis.url };
    const all = moments.flatMap((moment) => steps.map((step) => ({ ...step, moment })));
    cases = await Promise.all(all.map((each, index) => prepare(each, `127.99.5.${index + 1}`)));
    const child = await startProcess(places);
    let next: RunWorker | null = null;
    try {
      await until(cases, 'is held', async (each) => act(each, await read(each)).then(() => each.isHeld));
      const thaw = interrupt(child);
      for (const each of cases) if (each.meanwhile === 'aborts') await abort(each.runId);
      next = startRunWorker(places);
      await until(cases, 'has ended', async (each) => {
        const run = await read(each);
        await act(each, run);
        each.ended = run.endedAt === null ? null : run;
        if (each.ended) each.release();
        return each.ended !== null;
      });
      thaw();
      await until(
        cases,
        'prompted and idle',
        async ({ openCode }) => openCode.prompts().length > 0 && !openCode.isBusy(),
      );
      if (fault === 'frozen') await expectNextRunOf(next);
    } finally {
      child.kill('SIGKILL');
      await next?.stop();
    }
  }, 120_000);
  afterAll(async () => {
    await Promise.all(cases.map(({ openCode }) => openCode.kill()));
    await db.destroy();
    await database.drop();
  });

  async function prepare(step: Step & { moment: HoldMoment }, address: string): Promise<Case> {
    const hold = Promise.withResolvers<void>();
    let isFirst = true;
    const openCode = createFakeOpenCode({
      workMs: () => 10,
      asks: () => true,
      // The programs in pods of different projects may choose the same id. A second session of one project has another.
      ...(step.route.test('POST /session') ? {} : { sessionId: 'ses_000000000001xxxxxxxxxxxxx1' }),
      holds(route, moment) {
        if (!isFirst || moment !== step.moment || !step.route.test(route)) return undefined;
        isFirst = false;
        each.isHeld = true;
        return hold.promise;
      },
    });
    await openCode.serve(address);
    const projectId = await createProject('owner', address);
    const { id, prompt } = await addRun(projectId);
    const each: Case = { ...step, prompt, runId: id, openCode, isHeld: false, release: hold.resolve, ended: null };
    return each;
  }

  async function addRun(projectId: string): Promise<{ id: string; prompt: string }> {
    const [taskId, id] = [randomUUID(), randomUUID()];
    const task = { id: taskId, projectId, idempotencyKey: null, title: 'a task', description: '' };
    const column = { state: 'TODO', priority: 'normal', place: 'bottom' } as const;
    await db.transaction((trx) => insertTask(trx, { ...task, ...column }, { maxTasks: 100 }));
    const prompt = `prompt of ${id}`;
    const run = { id, taskId, projectId, idempotencyKey: id, prompt, message: 'queued', continues: null };
    await insertRun(db, run, { maxActive: 100 });
    return { id, prompt };
  }

  async function startProcess(places: { databaseUrl: string; redisUrl: string }): Promise<ChildProcess> {
    const env = { ...process.env, DATABASE_URL: places.databaseUrl, REDIS_URL: places.redisUrl };
    const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    return child;
  }

  /** @returns what lets it continue */
  function interrupt(child: ChildProcess): () => void {
    if (fault === 'frozen') return freezeProcess(child.pid ?? 0);
    child.kill('SIGKILL');
    return () => undefined;
  }

  async function read({ runId }: Pick<Case, 'runId'>): Promise<RunRecord> {
    const run = await findRun(db, runId);
    if (!run) throw new Error(`There is no run ${runId}.`);
    return run;
  }

  const abort = (id: string) =>
    changeRun(db, { id }, () => ({ desiredState: 'aborted', message: 'The run is being aborted.' }));

  /** Does what the person of this case does. */
  async function act({ person }: Step, { id, pending, answers, desiredState }: RunRecord): Promise<void> {
    const [request] = pending;
    if (!request) return;
    if (person === 'aborts') {
      if (desiredState !== 'aborted') await abort(id);
      return;
    }
    if (Object.hasOwn(answers, request.id)) return;
    const answer = { type: 'permission', reply: 'once' } as const;
    await changeRun(db, { id }, (run) => ({ answers: { ...run.answers, [request.id]: answer } }));
  }

  /** The thawed worker follows a new run, so it has gone on with the old ones. */
  async function expectNextRunOf(successor: RunWorker): Promise<void> {
    await successor.stop();
    const openCode = createFakeOpenCode({ workMs: () => 10, asks: () => false });
    await openCode.serve('127.99.5.100');
    try {
      const projectId = await createProject('owner', '127.99.5.100');
      const { id } = await addRun(projectId);
      await vi.waitFor(async () => expect(await read({ runId: id })).toMatchObject({ state: 'succeeded' }), soon);
    } finally {
      await openCode.kill();
    }
  }

  it.each(titles)(
    '%s (the request is held %s it is carried out): prompts once, and ends once',
    async (title, moment) => {
      const each = cases.find((one) => one.title === title && one.moment === moment);
      if (!each?.ended) throw new Error('The run has not ended.');
      expect(each.ended.state).toBe(each.ends);
      expect(each.openCode.prompts()).toEqual([each.prompt]);
      expect((await read(each)).version).toBe(each.ended.version);
    },
  );
});

/** Asks again until it holds for all cases. An error names the ones for which it does not. */
async function until(cases: Case[], what: string, holds: (each: Case) => Promise<boolean>): Promise<void> {
  const remaining = async () => {
    const results = await Promise.all(cases.map(async (each) => ((await holds(each)) ? null : each)));
    return results.flatMap((each) =>
      each ? [`${each.title}, ${each.moment}: not yet ${what}; OpenCode ${each.openCode.describe().join('; ')}`] : [],
    );
  };
  await vi.waitFor(async () => expect(await remaining()).toEqual([]), soon);
}
