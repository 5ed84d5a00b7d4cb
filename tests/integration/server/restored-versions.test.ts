/** What mutations do in a database that was restored a moment ago, before any comparison has noticed it. */

import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Database } from '../../../src/shared/node/db/database.ts';
import { createClient, type Client } from '../../../src/shared/sdk/client.ts';
import { createApiCall } from '../../support/api-call.ts';
import { inputWith } from '../../support/made-up-input.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { procedures } from '../../support/procedures.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

const hourMs = 3_600_000;
let database: TestDatabase;
let db: Database;
let server: TestServer;
let client: Client;
let token: string;

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  db = openTestDatabase(database.url, { poolSize: 2 });
  // Only mutations notice the restore.
  const timings = { compareIntervalMs: hourMs };
  server = await startTestServer({ databaseUrl: database.url, redisUrl: redis.url, timings });
  token = await server.mintToken('owner');
  client = createClient({ url: server.url, token });
});
afterAll(async () => {
  await client.close();
  await server.stop();
  await db.destroy();
  await database.drop();
});

const restores = async (): Promise<number> => (await db('installation').first('restores')).restores;

/** As a restore from a backup of before the last changes does. */
async function restore(): Promise<void> {
  await db('projects').decrement('statusVersion', 4);
  await db('tasks').decrement('version', 4);
  await db('runs').decrement('version', 4);
  await db('installation').update({ dataId: 'another' });
}

const withVersions = procedures.filter(
  ({ name, type }) => type === 'mutation' && /^(?:projects|tasks|runs|config)\./.test(name),
);

describe('fault 32: in a database that was restored a moment ago', () => {
  it.for(
    withVersions
      .filter(({ name }) => name !== 'projects.create')
      .map((procedure) => ({ procedure, name: procedure.name })),
  )('$name raises the versions first, whatever it answers', async ({ procedure, name }) => {
    const before = await restores();
    await restore();
    await createApiCall(server.url, { authorization: `Bearer ${token}` })(name, { body: inputWith(procedure, {}) });
    expect(await restores()).toBe(before + 1);
  });

  it('no version that is returned is older than the one before', async () => {
    const idempotencyKey = randomUUID();
    const projectId = (await client.projects.create({ name: 'A project', idempotencyKey })).id;
    const taskId = (await client.tasks.create({ projectId, title: 'A task', idempotencyKey })).id;
    const runId = (await client.runs.start({ taskId, idempotencyKey })).id;
    const changes: [name: string, change: (text: string) => Promise<number>][] = [
      [
        'projects.update',
        async (description) => (await client.projects.update({ id: projectId, description })).statusVersion,
      ],
      ['projects.keep', async () => (await client.projects.keep(projectId)).statusVersion],
      ['projects.stop', async () => (await client.projects.stop(projectId)).statusVersion],
      [
        'a repeated projects.create',
        async () => (await client.projects.create({ name: 'Again', idempotencyKey })).statusVersion,
      ],
      ['tasks.update', async (title) => (await client.tasks.update({ id: taskId, title })).version],
      [
        'a repeated tasks.create',
        async () => (await client.tasks.create({ projectId, title: 'Again', idempotencyKey })).version,
      ],
      ['a repeated runs.start', async () => (await client.runs.start({ taskId, idempotencyKey })).version],
      ['runs.abort', async () => (await client.runs.abort(runId)).version],
    ];
    for (const [name, change] of changes) {
      for (const text of ['first', 'second', 'third']) await change(text);
      const before = await change('fourth');
      await restore();
      expect(await change('after the restore'), name).toBeGreaterThanOrEqual(before);
    }
  });

  it('a create is not checked, because its project is new', async () => {
    const before = await restores();
    await restore();
    await client.projects.create({ name: randomUUID() });
    expect(await restores()).toBe(before);
  });
});
