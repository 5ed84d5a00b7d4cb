/** Tasks and runs at the API, without an agent: no worker takes the runs. */

import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { RunOutputEvent, Task, TaskEvent } from '../../../src/shared/contract/tasks.ts';
import type { Database } from '../../../src/shared/node/db/database.ts';
import { changeRun } from '../../../src/shared/node/db/runs-repository.ts';
import { pruneTasks } from '../../../src/shared/node/db/tasks-repository.ts';
import { createClient, type Client } from '../../../src/shared/sdk/client.ts';
import { createProjects, testAccessKeys } from '../../support/gateway-system.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

let database: TestDatabase;
let db: Database;
let server: TestServer;
let client: Client;
let createProject: ReturnType<typeof createProjects>['createProject'];
let patchProject: ReturnType<typeof createProjects>['patchProject'];

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  db = openTestDatabase(database.url, { poolSize: 2 });
  ({ createProject, patchProject } = createProjects(db, testAccessKeys));
  server = await startTestServer({ databaseUrl: database.url, redisUrl: redis.url });
  client = createClient({ url: server.url, token: await server.mintToken('owner') });
});
afterAll(async () => {
  await client.close();
  await server.stop();
  await db.destroy();
  await database.drop();
});

const newProject = () => createProject('owner', null);
const titlesOf = (tasks: Task[]) => tasks.map(({ title }) => title);

describe('tasks', () => {
  it('keep the order that people give them, in every column', async () => {
    const projectId = await newProject();
    const [one, two, three] = [
      await client.tasks.create({ projectId, title: 'one' }),
      await client.tasks.create({ projectId, title: 'two' }),
      await client.tasks.create({ projectId, title: 'three' }),
    ];
    const column = async (state: Task['state']) =>
      titlesOf((await client.tasks.list(projectId)).filter((task) => task.state === state));
    expect(await column('TODO')).toEqual(['one', 'two', 'three']);
    await client.tasks.create({ projectId, title: 'first in AI review', state: 'AI_REVIEW', place: 'top' });
    await client.tasks.create({ projectId, title: 'above', state: 'AI_REVIEW', place: 'top' });
    expect(await column('AI_REVIEW')).toEqual(['above', 'first in AI review']);
    await client.tasks.move({ id: three.id, state: 'TODO', afterId: null });
    await client.tasks.move({ id: one.id, state: 'TODO', afterId: two.id });
    expect(await column('TODO')).toEqual(['three', 'two', 'one']);
    await client.tasks.move({ id: three.id, state: 'DONE', afterId: null });
    await client.tasks.move({ id: two.id, state: 'DONE', afterId: three.id });
    expect([await column('TODO'), await column('DONE')]).toEqual([['one'], ['three', 'two']]);
    const elsewhere = client.tasks.move({ id: one.id, state: 'TODO', afterId: two.id });
    await expect(elsewhere).rejects.toMatchObject({
      code: 'NOT_FOUND',
      fields: { afterId: expect.any(String) as string },
    });
  });

  it('get different places when many people move them at once', async () => {
    const projectId = await newProject();
    const tasks = await Promise.all(
      Array.from({ length: 8 }, (_, index) => client.tasks.create({ projectId, title: `${index}` })),
    );
    await Promise.all(tasks.map(({ id }) => client.tasks.move({ id, state: 'DONE', afterId: null })));
    const positions = (await client.tasks.list(projectId)).map(({ position }) => position);
    expect(new Set(positions).size).toBe(tasks.length);
  });

  it('are created once for one key, and changed field by field', async () => {
    const projectId = await newProject();
    const input = { projectId, title: 'Once', idempotencyKey: 'once' };
    const [first, second] = await Promise.all([client.tasks.create(input), client.tasks.create(input)]);
    expect(first.id).toBe(second.id);
    const changed = await client.tasks.update({ id: first.id, description: 'More', priority: 'high' });
    expect(changed).toMatchObject({ title: 'Once', description: 'More', priority: 'high', version: 2 });
  });

  it('of a project that was deleted cannot be added or run', async () => {
    const projectId = await newProject();
    const task = await client.tasks.create({ projectId, title: 'Late' });
    await patchProject(projectId, { desiredState: 'deleted', status: 'deleting' });
    await expect(client.tasks.create({ projectId, title: 'Later' })).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
    const run = client.runs.start({ taskId: task.id, idempotencyKey: 'late' });
    await expect(run).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
  });

  it('are deleted with their runs a week after their project', async () => {
    const [projectId, kept] = [await newProject(), await newProject()];
    const task = await client.tasks.create({ projectId, title: 'Old' });
    const other = await client.tasks.create({ projectId: kept, title: 'Kept' });
    const { id: runId } = await client.runs.start({ taskId: task.id, idempotencyKey: 'run' });
    await patchProject(projectId, {
      desiredState: 'deleted',
      status: 'archived',
      deletedAt: '2026-01-01T00:00:00.000Z',
    });
    expect(await pruneTasks(db, { limit: 10 })).toBe(1);
    await expect(client.runs.get(runId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await client.tasks.get(other.id)).toMatchObject({ title: 'Kept' });
  });

  it('appear in open subscriptions as they change', async () => {
    const projectId = await newProject();
    const watch = client.tasks.watch(projectId);
    const next = async (): Promise<TaskEvent | undefined> => (await watch.next()).value ?? undefined;
    expect(await next()).toEqual({ type: 'snapshot', tasks: [] });
    const task = await client.tasks.create({ projectId, title: 'New' });
    expect(await next()).toEqual({ type: 'changed', task });
    const run = await client.runs.start({ taskId: task.id, idempotencyKey: 'run' });
    expect(await next()).toMatchObject({ type: 'changed', task: { state: 'IN_PROGRESS', latestRun: run } });
    await changeRun(db, { id: run.id }, () => ({ state: 'succeeded', message: 'Done.' }));
    await client.tasks.delete(task.id);
    const events: TaskEvent[] = [];
    for await (const event of watch) {
      events.push(event);
      if (event.type === 'removed') break;
    }
    expect(events.at(-1)).toEqual({ type: 'removed', taskId: task.id });
  });
});

describe('runs', () => {
  it('start once for one key and one at a time for a task, and at most ten in a project', async () => {
    const projectId = await newProject();
    const start = async (idempotencyKey: string) => {
      const task = await client.tasks.create({ projectId, title: 'Task', description: 'Details' });
      return await client.runs.start({ taskId: task.id, idempotencyKey });
    };
    const run = await start('first');
    expect(run).toMatchObject({ state: 'queued', prompt: 'Task\n\nDetails', opencodeSessionId: null });
    expect(await client.runs.start({ taskId: run.taskId, idempotencyKey: 'first' })).toEqual(run);
    const second = client.runs.start({ taskId: run.taskId, idempotencyKey: 'second' });
    await expect(second).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
    const results = await Promise.allSettled(Array.from({ length: 12 }, () => start(randomUUID())));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(9);
    await expect(start('more')).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' });
  });

  it('that wait for an answer are counted on their project, with the time of the first, until they are answered', async () => {
    const projectId = await newProject();
    const permission = { permission: 'bash', patterns: [], always: [], detail: null };
    const pending = [{ type: 'permission' as const, id: 'per_1', ...permission }];
    const start = async () => {
      const task = await client.tasks.create({ projectId, title: 'Task' });
      return (await client.runs.start({ taskId: task.id, idempotencyKey: 'run' })).id;
    };
    const ask = (id: string) =>
      changeRun(db, { id }, () => ({ state: 'waiting-for-answer', message: 'Answer it.', pending }));
    const [one, two] = [await start(), await start()];
    const states = client.watch(projectId);
    const next = async () => (await states.next()).value?.waitingRuns;
    expect(await next()).toBe(0);
    await Promise.all([ask(one), ask(two)]);
    await ask(one); // the same again changes nothing
    const project = await client.projects.get(projectId);
    expect(project).toMatchObject({
      waitingRuns: 2,
      waitingSince: expect.any(String) as string,
      answerLimitMinutes: 30,
    });
    const waiting = await client.runs.get(one);
    expect(waiting.message).toMatch(/^Answer it\. It has waited since \d+ \w{3} \d{4}, \d\d:\d\d UTC\.$/);
    const times = [waiting, await client.runs.get(two)].map(({ waitingSince }) => Date.parse(waitingSince ?? ''));
    expect(Date.parse(project.waitingSince ?? '')).toBe(Math.min(...times));

    await client.runs.answer({ runId: one, requestId: 'per_1', answer: { type: 'permission', reply: 'once' } });
    expect(await client.runs.get(one)).toMatchObject({ waitingSince: null, message: 'Answer it.' });
    await changeRun(db, { id: two }, () => ({ state: 'failed', message: 'Ended.' }));
    expect(await client.projects.get(projectId)).toMatchObject({ waitingRuns: 0, waitingSince: null });
    // The answer was published, so an open page learns of it at once.
    for await (const { waitingRuns } of states) if (waitingRuns === 1) break;
    await client.projects.update({ id: projectId, answerLimitMinutes: 5 });
    expect(await client.projects.get(projectId)).toMatchObject({ answerLimitMinutes: 5 });
    const wrong = client.projects.update({ id: projectId, answerLimitMinutes: 0 });
    await expect(wrong).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
  });

  it('cannot be answered or continued when there is nothing to answer or to continue', async () => {
    const projectId = await newProject();
    const task = await client.tasks.create({ projectId, title: 'Task' });
    const { id: runId } = await client.runs.start({ taskId: task.id, idempotencyKey: 'run' });
    const answer = { type: 'permission', reply: 'once' } as const;
    await expect(client.runs.answer({ runId, requestId: 'per_1', answer })).rejects.toMatchObject({
      code: 'ILLEGAL_STATE',
    });
    await changeRun(db, { id: runId }, () => ({ state: 'failed', message: 'Ended.' }));
    expect(await client.runs.abort(runId)).toMatchObject({ state: 'failed', desiredState: 'running' });
    const followUp = client.runs.followUp({ runId, text: 'More', idempotencyKey: 'more' });
    await expect(followUp).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
    const events: RunOutputEvent[] = [];
    for await (const event of client.runs.output(runId)) events.push(event);
    expect(events).toEqual([{ type: 'snapshot', messages: [], truncated: false }, { type: 'ended' }]);
  });
});
