import { Queue } from 'bullmq';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { projectQueueName } from '../../../src/shared/contract/jobs.ts';
import { changeProject } from '../../../src/shared/node/db/projects-repository.ts';
import { createClient, readAppError, type Client } from '../../../src/shared/sdk/client.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { createTestDatabase, createTestRedis, type TestDatabase, type TestRedis } from '../../support/services.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

let database: TestDatabase;
let redis: TestRedis;
let server: TestServer;

beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase(), createTestRedis()]);
  const env = { MAX_PROJECTS_PER_USER: '7', KUBE_NAMESPACE: 'tenants' };
  server = await startTestServer({ databaseUrl: database.url, redisUrl: redis.url, env });
});
afterAll(async () => {
  await server.stop();
  await database.drop();
});

async function signedIn(name: string): Promise<Client> {
  return createClient({ url: server.url, token: await server.mintToken(name) });
}

const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'no error',
    (error: unknown) => readAppError(error)?.code,
  );

describe('a new project', () => {
  it('has its names, its namespace and its job before anything exists in Kubernetes', async () => {
    const client = await signedIn('creator');
    const project = await client.projects.create({ name: ' My Project ', repoUrl: 'git@example.test:a/b.git' });
    expect(project).toMatchObject({
      name: 'My Project',
      description: '',
      repoUrl: 'git@example.test:a/b.git',
      status: 'initializing',
      desiredState: 'running',
      reason: 'queued',
      phase: null,
      namespace: 'tenants',
      workspacePvcName: `workspace-${project.id}`,
      generation: 1,
      observedGeneration: 0,
    });
    expect(project.podName).toMatch(new RegExp(`^project-${project.id}-[a-z0-9]{5}$`));
    expect(await client.projects.get(project.id)).toEqual(project);
    expect(await jobsOf(project.id)).toEqual([{ name: 'create-pod', requestId: expect.any(String) as string }]);
  });

  it('is returned again for a repeated idempotency key', async () => {
    const client = await signedIn('repeater');
    const input = { name: 'Once', idempotencyKey: 'click-1' };
    const [first, second] = await Promise.all([client.projects.create(input), client.projects.create(input)]);
    expect(second.id).toBe(first.id);
    expect((await client.projects.list()).items).toHaveLength(1);
    expect((await client.projects.activity(first.id)).items.map(({ kind }) => kind)).toEqual(['created']);
  });

  it('cannot have the name of a live project in any case, until that project is deleted', async () => {
    const client = await signedIn('namesake');
    const first = await client.projects.create({ name: 'Taken' });
    const error = await client.projects.create({ name: 'tAKEN' }).catch(readAppError);
    expect(error).toMatchObject({ code: 'NAME_TAKEN', fields: { name: expect.stringContaining('already') as string } });
    await client.projects.delete(first.id);
    expect((await client.projects.create({ name: 'taken' })).id).not.toBe(first.id);
  });

  it('beyond the quota is refused with the limit and the count, also with concurrent creates', async () => {
    const client = await signedIn('collector');
    const creates = Array.from({ length: 10 }, (_, index) => client.projects.create({ name: `Number ${index}` }));
    const results = await Promise.allSettled(creates);
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [readAppError(result.reason)] : []));
    expect((await client.projects.list()).items).toHaveLength(7);
    expect(refused).toHaveLength(3);
    expect(refused[0]).toMatchObject({
      code: 'QUOTA_EXCEEDED',
      message: expect.stringContaining('7 of at most 7') as string,
    });
  });
});

describe('a command', () => {
  it('is committed with its generation, its line in the timeline and its job, and repeating it has no effect', async () => {
    const client = await signedIn('commander');
    const { id } = await client.projects.create({ name: 'Commands' });
    const stopping = await client.projects.stop(id);
    expect(stopping).toMatchObject({ status: 'stopping', desiredState: 'stopped', generation: 2 });
    expect(await client.projects.stop(id)).toEqual(stopping);
    expect(await client.projects.start(id)).toMatchObject({ status: 'initializing', reason: 'queued', generation: 3 });
    expect(await client.projects.restart(id)).toMatchObject({ status: 'initializing', generation: 4 });
    const deleting = await client.projects.delete(id);
    expect(deleting).toMatchObject({ status: 'deleting', desiredState: 'deleted', generation: 5 });
    expect(await client.projects.delete(id)).toEqual(deleting);

    const { items } = await client.projects.activity(id);
    expect(items.map(({ kind, actor }) => `${kind} by ${actor}`)).toEqual([
      'delete-requested by commander',
      'restart-requested by commander',
      'start-requested by commander',
      'stop-requested by commander',
      'created by commander',
    ]);
    expect(await jobsOf(id)).toHaveLength(1); // one job per project: it only requests a reconcile
  });

  it('that the state does not allow is refused with what to do instead', async () => {
    const client = await signedIn('forbidden');
    const { id } = await client.projects.create({ name: 'Stopped' });
    await client.projects.stop(id);
    const error = await client.projects.restart(id).catch(readAppError);
    expect(error).toMatchObject({ code: 'ILLEGAL_STATE', message: 'The project is stopping. Start it instead.' });
    await client.projects.delete(id);
    expect(await codeOf(client.projects.start(id))).toBe('ILLEGAL_STATE');
    expect(await codeOf(client.projects.update({ id, name: 'New' }))).toBe('ILLEGAL_STATE');
  });

  it('to retry a permanently failed project queues a job and clears the failure', async () => {
    const client = await signedIn('retrier');
    const { id } = await client.projects.create({ name: 'Failed' });
    await onDatabase((db) =>
      changeProject(db, { id }, (record) => ({
        patch: {
          status: 'error',
          failedGeneration: record.generation,
          podError: 'The quota of the namespace is used up.',
          podErrorCode: 'quota-exceeded',
        },
      })),
    );
    expect(await client.projects.get(id)).toMatchObject({ status: 'error', podError: expect.any(String) as string });
    expect(await client.projects.retry(id)).toMatchObject({ status: 'initializing', podError: null, generation: 2 });
  });
});

describe('an update', () => {
  it('changes name, description and repository URL without changing the pod', async () => {
    const client = await signedIn('editor');
    const before = await client.projects.create({ name: 'Before', repoUrl: 'https://example.test/a' });
    const after = await client.projects.update({ id: before.id, name: 'After', description: 'Words.', repoUrl: null });
    expect(after).toMatchObject({ name: 'After', description: 'Words.', repoUrl: null, generation: before.generation });
    expect(after.statusVersion).toBe(before.statusVersion + 1);
    expect(await client.projects.update({ id: before.id, name: 'After' })).toEqual(after);
    const { items } = await client.projects.activity(before.id);
    expect(items.map(({ message }) => message)).toEqual([
      'Changed the name and description and repository URL.',
      'Created the project.',
    ]);
  });
});

describe('the list', () => {
  it('returns pages by creation and by name, without missing or repeated projects', async () => {
    const client = await signedIn('lister');
    for (const name of ['b', 'D', 'a', 'C', 'e']) await client.projects.create({ name });
    expect(await namesOf(client, { sort: 'createdAt', limit: 2 })).toEqual([['e', 'C'], ['a', 'D'], ['b']]);
    expect(await namesOf(client, { sort: 'name', limit: 2 })).toEqual([['a', 'b'], ['C', 'D'], ['e']]);
  });

  it('finds projects by a part of the name, ignoring case and with % and _ as literals', async () => {
    const client = await signedIn('searcher');
    for (const name of ['Alpha_1', 'alphaX1', 'Beta']) await client.projects.create({ name });
    const found = async (search: string) => (await client.projects.list({ search })).items.map(({ name }) => name);
    expect(await found('ALPHA')).toEqual(['alphaX1', 'Alpha_1']);
    expect(await found('a_1')).toEqual(['Alpha_1']);
    expect(await found('%')).toEqual([]);
  });

  it('filters by status, and contains archived projects only on request', async () => {
    const client = await signedIn('filterer');
    const kept = await client.projects.create({ name: 'Kept' });
    const gone = await client.projects.create({ name: 'Gone' });
    await onDatabase((db) =>
      changeProject(db, { id: gone.id }, () => ({
        patch: { status: 'archived', desiredState: 'deleted', deletedAt: new Date().toISOString() },
      })),
    );
    const ids = async (input: object) => (await client.projects.list(input)).items.map(({ id }) => id);
    expect(await ids({})).toEqual([kept.id]);
    expect(await ids({ status: 'archived' })).toEqual([gone.id]);
    expect(await ids({ status: 'ready' })).toEqual([]);
  });
});

describe('the timeline', () => {
  it('has pages of fifty entries, newest first', async () => {
    const client = await signedIn('historian');
    const { id } = await client.projects.create({ name: 'Old' });
    for (let index = 0; index < 55; index += 1) await client.projects.update({ id, description: `Text ${index}` });
    const first = await client.projects.activity(id);
    const second = await client.projects.activity({ id, cursor: first.nextCursor });
    expect([first.items.length, second.items.length, second.nextCursor]).toEqual([50, 6, null]);
    expect(second.items.at(-1)?.kind).toBe('created');
  });
});

async function namesOf(client: Client, input: { sort: 'createdAt' | 'name'; limit: number }): Promise<string[][]> {
  const pages: string[][] = [];
  let cursor: string | null = null;
  do {
    const page = await client.projects.list({ ...input, cursor });
    pages.push(page.items.map(({ name }) => name));
    cursor = page.nextCursor;
  } while (cursor !== null);
  return pages;
}

async function jobsOf(projectId: string): Promise<{ name: string; requestId: string | undefined }[]> {
  const queue = new Queue<{ projectId: string; requestId?: string }>(projectQueueName, {
    connection: { url: redis.url },
  });
  try {
    const jobs = await queue.getJobs(['waiting', 'delayed', 'active', 'prioritized']);
    return jobs
      .filter((job) => job.data.projectId === projectId)
      .map((job) => ({ name: job.name, requestId: job.data.requestId }));
  } finally {
    await queue.close();
  }
}

async function onDatabase<T>(use: (db: ReturnType<typeof openTestDatabase>) => Promise<T>): Promise<T> {
  const db = openTestDatabase(database.url, { poolSize: 1 });
  try {
    return await use(db);
  } finally {
    await db.destroy();
  }
}
