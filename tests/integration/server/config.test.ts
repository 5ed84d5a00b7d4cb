/** The configuration of projects at the API. Pods are servers of this test, and no worker applies anything. */

import { json } from 'node:stream/consumers';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createLog } from '../../../src/shared/node/log.ts';
import { configFilesOf } from '../../../src/shared/opencode/config-files.ts';
import { createClient, type Client } from '../../../src/shared/sdk/client.ts';
import { applyAll } from '../../../src/worker/apply-configs.ts';
import { startFakePod, type FakePod } from '../../support/fake-pod.ts';
import { createProjects, testAccessKeys, testAccessSecret } from '../../support/gateway-system.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

let database: TestDatabase;
let db: ReturnType<typeof openTestDatabase>;
let server: TestServer;
let client: Client;
let stranger: Client;
let pod: FakePod;
let projects: ReturnType<typeof createProjects>;

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  db = openTestDatabase(database.url, { poolSize: 2 });
  projects = createProjects(db, testAccessKeys);
  server = await startTestServer({
    databaseUrl: database.url,
    redisUrl: redis.url,
    env: { ACCESS_SECRET: testAccessSecret },
  });
  const clientOf = async (name: string) => createClient({ url: server.url, token: await server.mintToken(name) });
  [client, stranger] = [await clientOf('owner'), await clientOf('stranger')];
  pod = await startFakePod();
});
afterAll(async () => {
  await Promise.all([client.close(), stranger.close(), server.stop(), pod.stop()]);
  await db.destroy();
  await database.drop();
});

const publisher = { publish: () => Promise.resolve(true) };
const silent = createLog({ name: 'test', level: 'silent' });
const documentOf = (model: string) => JSON.stringify({ model });

describe('the configuration of a project', () => {
  it('has a version for each save, which can be read and restored', async () => {
    const id = await projects.createProject('owner', null);
    expect(await client.config.get(id)).toMatchObject({ version: 0, document: '{}\n', rules: '', applyVersion: null });
    const first = { id, document: documentOf('a/one'), rules: 'Be brief.', baseVersion: 0 };
    expect(await client.config.save({ ...first, comment: 'Start' })).toEqual({ version: 1, warnings: [] });
    expect(await client.config.save(first)).toMatchObject({ version: 1 }); // repeated, without effect
    await client.config.save({ id, document: documentOf('two'), rules: '', baseVersion: 1 });
    expect(await client.config.restore({ id, version: 1, baseVersion: 2 })).toMatchObject({ version: 3 });
    const versions = await client.config.versions(id);
    expect(versions).toMatchObject([
      { version: 3, restoredFrom: 1, savedBy: 'owner' },
      { version: 2, restoredFrom: null, comment: '' },
      { version: 1, restoredFrom: null, comment: 'Start' },
    ]);
    expect(await client.config.version(id, 2)).toMatchObject({ document: documentOf('two'), rules: '' });
    expect(await client.config.get(id)).toMatchObject({ version: 3, document: first.document, rules: 'Be brief.' });
    await expect(client.config.version(id, 4)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const { items } = await client.projects.activity(id);
    expect(items[0]?.message).toBe('Saved version 3 of the configuration, which is the same as version 1.');
  });

  it('is not overwritten by a save that began with an older version, also when two arrive at once', async () => {
    const id = await projects.createProject('owner', null);
    const save = (model: string) => client.config.save({ id, document: documentOf(model), rules: '', baseVersion: 0 });
    const results = await Promise.allSettled([save('a/one'), save('a/two'), save('a/three')]);
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    expect(refused).toHaveLength(2);
    for (const error of refused) expect(error).toMatchObject({ code: 'CONFLICT' });
    expect(await client.config.versions(id)).toHaveLength(1);
  });

  it('is refused with the place of each error, and warns of what OpenCode ignores', async () => {
    const id = await projects.createProject('owner', null);
    const save = (document: string, rules = '') => client.config.save({ id, document, rules, baseVersion: 0 });
    await expect(save('{"permission":{"edit":"maybe"},"model":1}')).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      message: expect.stringContaining('permission.edit: Use "ask", "allow", "deny"') as string,
      fields: {
        'document.permission.edit': expect.any(String) as string,
        'document.model': 'Use a text in quotes.',
      },
    });
    for (const document of [
      'nonsense',
      '[]',
      `{"username":"${'x'.repeat(70_000)}"}`,
      `{"a":[${'1e20,'.repeat(9_000)}1]}`,
    ]) {
      await expect(save(document)).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
    }
    await expect(save('{}', 'ä'.repeat(33_000))).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
    expect(await client.config.get(id)).toMatchObject({ version: 0 });
    expect((await save('{"modell":"a/b"}')).warnings).toMatchObject([{ path: 'modell' }]);
    expect((await client.config.get(id)).warnings).toMatchObject([{ path: 'modell' }]);
  });

  it('keeps the newest hundred versions', async () => {
    const id = await projects.createProject('owner', null);
    await client.config.save({ id, document: documentOf('a/0'), rules: '', baseVersion: 0 });
    await db.raw(
      `insert into config_versions (project_id, version, document, rules) select ?, n, '{}', '' from generate_series(2, 100) n`,
      [id],
    );
    await projects.patchProject(id, { configVersion: 100 });
    await client.config.save({ id, document: documentOf('a/101'), rules: '', baseVersion: 100 });
    const numbers = (await client.config.versions(id)).map(({ version }) => version);
    expect([numbers.length, numbers[0], numbers.at(-1)]).toEqual([100, 101, 2]);
  });

  it('says what the pod uses, whatever the pod answers', async () => {
    const id = await projects.createProject('owner', pod.address);
    const answer = { version: 2, isRead: true, isChanged: false, problem: 'a\0b' };
    pod.answer((request, response) =>
      response.end(JSON.stringify(request.url === '/activity' ? { busySessions: 3 } : answer)),
    );
    expect(await client.config.get(id)).toMatchObject({
      inUse: { state: 'running', ...answer, problem: 'a b' },
      interrupts: { runs: [], busySessions: 3 },
    });
    const password = testAccessKeys.currentCredentials(id).opencode;
    const asked = pod.received.find(({ url }) => url === '/.project-manager/config');
    expect(asked?.headers).toContain(`Bearer ${password}`);
    pod.answer((_request, response) => response.writeHead(401).end('{}'));
    expect((await client.config.get(id)).inUse).toMatchObject({
      state: 'unknown',
      message: expect.stringContaining('Restart the project') as string,
    });
    pod.answer((_request, response) => response.end('<html>'));
    expect(await client.config.get(id)).toMatchObject({
      inUse: { state: 'unknown' },
      interrupts: { busySessions: null },
    });
    await projects.patchProject(id, { desiredState: 'stopped', status: 'stopped' });
    expect((await client.config.get(id)).inUse).toEqual({ state: 'not-running' });
  });

  it('is applied by a command that open pages see, while the project runs', async () => {
    const id = await projects.createProject('owner', pod.address);
    await expect(client.config.applyNow(id)).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
    await client.config.save({ id, document: documentOf('a/one'), rules: '', baseVersion: 0 });
    expect(await client.config.applyNow(id)).toEqual({ applyVersion: 1 });
    expect(await client.config.applyNow(id)).toEqual({ applyVersion: 1 });
    expect(await client.projects.get(id)).toMatchObject({ configVersion: 1, configApplyVersion: 1 });
    await projects.patchProject(id, { desiredState: 'stopped', status: 'stopped', configApplyVersion: null });
    await expect(client.config.applyNow(id)).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
    await projects.patchProject(id, { desiredState: 'deleted', status: 'deleting' });
    const save = client.config.save({ id, document: documentOf('a/two'), rules: '', baseVersion: 1 });
    await expect(save).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
  });

  it('is given to the pod until the pod has it, and the timeline says why it cannot be', async () => {
    const id = await projects.createProject('owner', pod.address);
    await client.config.save({ id, document: documentOf('a/one'), rules: 'Be brief.', baseVersion: 0 });
    const round = async (status: number) => {
      const given: unknown[] = [];
      pod.answer((request, response) => {
        const answer = async () => {
          given.push(await json(request));
          response.writeHead(status).end('{}');
        };
        void answer();
      });
      await applyAll(
        { db, publisher, accessKeys: testAccessKeys, hasModels: false, log: silent },
        AbortSignal.timeout(20_000),
      );
      const { configApplyVersion } = await client.projects.get(id);
      return { given, configApplyVersion, entry: (await client.projects.activity(id)).items[0]?.message };
    };
    await client.config.applyNow(id);
    expect(await round(502)).toMatchObject({ configApplyVersion: 1 });
    expect(await round(507)).toMatchObject({
      configApplyVersion: null,
      entry: expect.stringContaining('volume may be full') as string,
    });
    await client.config.applyNow(id);
    await client.config.save({ id, document: documentOf('a/two'), rules: '', baseVersion: 1 });
    const { given, ...result } = await round(200);
    expect(result).toEqual({ configApplyVersion: null, entry: 'Applied version 2 of the configuration.' });
    expect(given).toEqual([configFilesOf({ version: 2, document: documentOf('a/two'), rules: '' })]);
    expect((await round(200)).given).toEqual([]);
    await client.config.applyNow(id);
    await projects.patchProject(id, { desiredState: 'stopped', status: 'stopped' });
    expect(await round(200)).toMatchObject({ given: [], configApplyVersion: null });
  });

  it('of another person is not found', async () => {
    const id = await projects.createProject('owner', null);
    const save = { id, document: 'nonsense', rules: '', baseVersion: 7 };
    const answers = await Promise.allSettled([
      stranger.config.get(id),
      stranger.config.save(save),
      stranger.config.versions(id),
      stranger.config.version(id, 1),
      stranger.config.restore({ id, version: 1, baseVersion: 0 }),
      stranger.config.applyNow(id),
    ]);
    for (const answer of answers) expect(answer).toMatchObject({ reason: { code: 'NOT_FOUND' } });
  });
});
