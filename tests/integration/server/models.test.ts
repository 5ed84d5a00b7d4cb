/** The procedures on models: keys go in and never come out. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Database } from '../../../src/shared/node/db/database.ts';
import { addModelUsage } from '../../../src/shared/node/db/model-usage-repository.ts';
import { publishModelCatalogue, type PublishedProvider } from '../../../src/shared/node/models/model-catalogue.ts';
import { createClient, type Client } from '../../../src/shared/sdk/client.ts';
import { readAllRows } from '../../support/all-rows.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

const key = 'sk-ant-planted-0123456789';

let database: TestDatabase;
let db: Database;
let server: TestServer;
let client: Client;
let stranger: Client;

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  db = openTestDatabase(database.url, { poolSize: 2 });
  server = await startTestServer({ databaseUrl: database.url, redisUrl: redis.url });
  const connect = async (name: string) =>
    createClient({ url: `http://127.0.0.1:${server.port}`, token: await server.mintToken(name) });
  [client, stranger] = await Promise.all([connect('owner'), connect('stranger')]);
});
afterAll(async () => {
  await Promise.all([client?.close(), stranger?.close()]);
  await server?.stop();
  await db?.destroy();
  await database?.drop();
});

describe('models', () => {
  it('have no providers before a gateway has published them', async () => {
    expect(await client.models.providers()).toEqual({
      providers: [],
      ownKeysProblem: null,
      tokensPerDay: null,
      tokensToday: 0,
    });
    await expect(client.models.setKey({ provider: 'anthropic', key })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('take a key that nothing shows again, and delete it', async () => {
    const provider: PublishedProvider = {
      id: 'anthropic',
      name: 'Anthropic',
      kind: 'anthropic',
      models: [],
      hasInstallationKey: true,
    };
    await publishModelCatalogue(db, { tokensPerDay: 500, providers: [provider] });
    await client.models.setKey({ provider: 'anthropic', key: ` ${key}\n` });
    const mine = await client.models.providers();
    expect(mine.providers).toEqual([
      { ...provider, ownKey: { lastFour: '6789', createdAt: expect.any(String) as string, isReadable: true } },
    ]);
    expect((await stranger.models.providers()).providers).toEqual([{ ...provider, ownKey: null }]);
    expect(`${JSON.stringify(mine)}${(await readAllRows(db)).join('')}`).not.toContain(key);
    await stranger.models.deleteKey('anthropic');
    expect((await client.models.providers()).providers[0]?.ownKey?.lastFour).toBe('6789');
    await client.models.deleteKey('anthropic');
    await client.models.deleteKey('anthropic');
    expect((await client.models.providers()).providers[0]?.ownKey).toBeNull();
  });

  it.each(['sk-1', 'sk-with a space in it', 'sk-with-ümlaut-0123456789', `sk-${'x'.repeat(500)}`])(
    'refuse the key %j, and do not repeat it',
    async (wrong) => {
      const error: unknown = await client.models
        .setKey({ provider: 'anthropic', key: wrong })
        .catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'VALIDATION_FAILED', fields: { key: expect.any(String) as string } });
      expect(JSON.stringify([error, String(error)])).not.toContain(wrong);
    },
  );

  it('show the caller what was used, by day, project, model and run, and to nobody else', async () => {
    const project = await client.projects.create({ name: 'Counted' });
    const task = await client.tasks.create({ projectId: project.id, title: 'Count me' });
    const run = await client.runs.start({ taskId: task.id, idempotencyKey: 'first' });
    const owner = await client.trpc.auth.me.query();
    const entry = {
      userId: owner.id,
      projectId: project.id,
      runId: null,
      provider: 'anthropic',
      model: 'large',
      keyOwner: 'installation',
      requests: 1,
      unmeasuredRequests: 0,
      unpricedRequests: 0,
      inputTokens: 100,
      cachedInputTokens: 40,
      cacheWriteTokens: 0,
      outputTokens: 10,
      costMicros: 1_500_000,
    } as const;
    await addModelUsage(db, entry);
    await addModelUsage(db, entry);
    await addModelUsage(db, { ...entry, runId: run.id, model: 'small', unpricedRequests: 1, costMicros: 0 });
    await addModelUsage(db, { ...entry, keyOwner: 'person', requests: 1 });
    const usage = await client.models.usage({ days: 7 });
    expect(usage.total).toEqual({
      requests: 4,
      unmeasuredRequests: 0,
      unpricedRequests: 1,
      inputTokens: 400,
      cachedInputTokens: 160,
      outputTokens: 40,
      cost: 4.5,
    });
    expect(usage.byDay).toMatchObject([{ day: usage.today, requests: 4 }]);
    expect(usage.byProject).toMatchObject([{ projectName: 'Counted', isDeleted: false, requests: 4 }]);
    expect(usage.byModel).toMatchObject([
      { model: 'large', requests: 3, cost: 4.5 },
      { model: 'small', requests: 1, cost: null },
    ]);
    expect(usage.byRun).toMatchObject([{ runId: run.id, taskTitle: 'Count me', requests: 1 }]);
    // Keys of one's own do not count against the limit.
    expect((await client.models.providers()).tokensToday).toBe(330);
    const others = await stranger.models.usage();
    expect([others.total.requests, others.byDay, others.byRun]).toEqual([0, [], []]);
  });
});
