/** Sizes and quotas through the API, with commands at the same time at two servers and a gateway. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { gatewayPath } from '../../../src/shared/node/access/project-hosts.ts';
import { createClient, readAppError, type Client } from '../../../src/shared/sdk/client.ts';
import { startGatewaySystem, type GatewaySystem } from '../../support/gateway-system.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { testSizesText } from '../../support/sizes.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

let database: TestDatabase;
let db: ReturnType<typeof openTestDatabase>;
let servers: TestServer[];
const gib = 2 ** 30;
const env = {
  PROJECT_SIZES: testSizesText,
  QUOTA_RUNNING_MEMORY: '8Gi',
  QUOTA_STORAGE: '40Gi',
  MAX_PROJECTS_PER_USER: '100',
};

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  db = openTestDatabase(database.url, { poolSize: 2 });
  const start = () => startTestServer({ databaseUrl: database.url, redisUrl: redis.url, env });
  servers = await Promise.all([start(), start()]);
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await db.destroy();
  await database.drop();
});

/** A client of each server, for one person. */
async function signedIn(name: string): Promise<[Client, Client]> {
  const [one, other] = await Promise.all(
    servers.map(async (server) => createClient({ url: server.url, token: await server.mintToken(name) })),
  );
  if (!one || !other) throw new Error('There are two servers.');
  return [one, other];
}

const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'done',
    (error: unknown) => readAppError(error)?.code,
  );
const messageOf = (call: Promise<unknown>) =>
  call.then(
    () => '',
    (error: unknown) => readAppError(error)?.message,
  );
/** The memory of what runs, from the rows alone. */
async function runningMemory({ projects }: Client): Promise<number> {
  const { items } = await projects.list({ limit: 100 });
  const memory: Record<string, number> = { S: 2, M: 4, L: 8 };
  return items
    .filter(({ desiredState }) => desiredState === 'running')
    .reduce((sum, { size }) => sum + (memory[size ?? 'M'] ?? 0), 0);
}

describe('the size of a project', () => {
  it('is chosen when it is created, and fixes the storage', async () => {
    const [client] = await signedIn('chooser');
    const chosen = await client.projects.create({ name: 'Chosen', size: 'S' });
    const byDefault = await client.projects.create({ name: 'Default' });
    expect([chosen, byDefault]).toMatchObject([
      { size: 'S', storage: '5Gi' },
      { size: null, storage: '10Gi' },
    ]);
    expect(await client.projects.update({ id: chosen.id, size: null })).toMatchObject({ size: null, storage: '5Gi' });
    expect((await client.projects.activity(chosen.id)).items[0]?.message).toBe('Changed the size.');
  });

  it('that the installation does not have is refused with those that it has', async () => {
    const [client] = await signedIn('unknown');
    const { id } = await client.projects.create({ name: 'Known' });
    for (const call of [
      client.projects.create({ name: 'X', size: 'XL' }),
      client.projects.update({ id, size: 'XL' }),
    ]) {
      const error = await call.then(() => null, readAppError);
      expect(error).toMatchObject({
        code: 'VALIDATION_FAILED',
        fields: { size: 'Choose one of these sizes: S, M, L.' },
      });
    }
  });
});

describe('a project beyond the quota', () => {
  it('is not created, and the refusal says what to stop; the pre-flight has said the same before', async () => {
    const [client] = await signedIn('full');
    await client.projects.create({ name: 'api' });
    await client.projects.create({ name: 'web', size: 'S' });
    const quota = await client.projects.quota();
    expect(quota.running.memory).toEqual({ used: 6 * gib, limit: 8 * gib });
    expect(quota.sizes.map(({ name, create }) => [name, create.more])).toEqual([
      ['S', 1],
      ['M', 0],
      ['L', 0],
    ]);
    const message = await messageOf(client.projects.create({ name: 'new', size: 'M' }));
    expect(message).toMatch(/6 GiB of at most 8 GiB of memory.*needs 4 GiB\. Stop “web” to start this\.$/);
    expect(quota.sizes[1]?.create.refusal).toBe(message);
    expect(quota.default.create.refusal).toBe(message);
    expect((await client.projects.list()).items).toHaveLength(2);
    expect(await codeOf(client.projects.create({ name: 'new', size: 'S' }))).toBe('done');
  });

  it('is not started until another one is stopped, and a repeated create is no second project', async () => {
    const [client] = await signedIn('starter');
    const first = await client.projects.create({ name: 'first', idempotencyKey: 'a' });
    await client.projects.stop(first);
    const second = await client.projects.create({ name: 'second' });
    const third = await client.projects.create({ name: 'third', idempotencyKey: 'c' });
    expect(await client.projects.create({ name: 'third', idempotencyKey: 'c' })).toMatchObject({ id: third.id });
    expect(await messageOf(client.projects.start(first))).toMatch(/Stop “(second|third)” to start this\.$/);
    expect(await client.projects.get(first)).toMatchObject({ desiredState: 'stopped', generation: 2 });
    // What runs is never refused, because it needs nothing more.
    expect(await codeOf(client.projects.restart(second))).toBe('done');
    expect(await codeOf(client.projects.start(second))).toBe('done');
    await client.projects.stop(second);
    expect(await client.projects.start(first)).toMatchObject({ desiredState: 'running' });
  });

  it('gets no larger size while it runs; stopped, it is checked when it starts', async () => {
    const [client] = await signedIn('grower');
    const [one, other] = [
      await client.projects.create({ name: 'one' }),
      await client.projects.create({ name: 'other', size: 'S' }),
    ];
    expect(await messageOf(client.projects.update({ id: other.id, size: 'L' }))).toMatch(
      /Stop “one” to use this size\.$/,
    );
    expect(await client.projects.update({ id: other.id, size: 'M' })).toMatchObject({ size: 'M' });
    await client.projects.stop(one);
    expect(await client.projects.update({ id: one.id, size: 'L' })).toMatchObject({ size: 'L' });
    expect(await codeOf(client.projects.start(one))).toBe('QUOTA_EXCEEDED');
    expect(await codeOf(client.projects.update({ id: other.id, size: 'S' }))).toBe('done');
  });

  it('makes no room by a smaller size until its pod has that size', async () => {
    const [client] = await signedIn('shrinker');
    const { id } = await client.projects.create({ name: 'shrunk', size: 'L' });
    expect(await client.projects.update({ id, size: 'S' })).toMatchObject({ size: 'S', podSize: 'L' });
    expect((await client.projects.quota()).running.memory.used).toBe(8 * gib);
    expect(await messageOf(client.projects.create({ name: 'second', size: 'M' }))).toMatch(
      /8 GiB of at most 8 GiB of memory.*Stop “shrunk” to start this\.$/,
    );
    expect(await codeOf(client.projects.restart(id))).toBe('done');
    expect(await codeOf(client.projects.create({ name: 'second', size: 'M' }))).toBe('QUOTA_EXCEEDED');
    // What the worker writes when it has observed the new pod.
    await db('projects').where({ id }).update({ podSize: 'S' });
    expect(await codeOf(client.projects.create({ name: 'second', size: 'M' }))).toBe('done');
    expect((await client.projects.quota()).running.memory.used).toBe(6 * gib);
  });

  it('counts its storage while it is stopped, until it is deleted', async () => {
    const [client] = await signedIn('hoarder');
    const { id } = await client.projects.create({ name: 'large', size: 'L' });
    await client.projects.stop(id);
    const second = await client.projects.create({ name: 'second', size: 'L' });
    await client.projects.stop(second);
    expect(await messageOf(client.projects.create({ name: 'third', size: 'S' }))).toMatch(/^Your projects have 40 GiB/);
    expect(await codeOf(client.projects.start(id))).toBe('done');
    await client.projects.delete(second);
    expect(await codeOf(client.projects.stop(id))).toBe('done');
    expect(await codeOf(client.projects.create({ name: 'third', size: 'S' }))).toBe('done');
  });

  it('does not count for another person', async () => {
    const [client] = await signedIn('neighbour');
    await client.projects.create({ name: 'full', size: 'L' });
    const [other] = await signedIn('visitor');
    expect((await other.projects.quota()).running).toMatchObject({ projects: { used: 0 }, memory: { used: 0 } });
    expect(await codeOf(other.projects.create({ name: 'full', size: 'L' }))).toBe('done');
  });
});

describe('fault 52: commands at the same time', () => {
  it('cannot exceed the quota together: starts, creates and sizes at two servers', async () => {
    const [one, other] = await signedIn('racer');
    const projects = [];
    for (let index = 0; index < 6; index += 1) {
      const project = await one.projects.create({ name: `p${index}`, size: 'S' });
      await one.projects.stop(project);
      projects.push(project);
    }
    const starts = projects.map((project, index) => (index % 2 === 0 ? one : other).projects.start(project));
    const creates = [one, other].map((client, index) => client.projects.create({ name: `new${index}`, size: 'S' }));
    const grown = projects.map(({ id }, index) => (index % 2 === 0 ? other : one).projects.update({ id, size: 'M' }));
    const codes = await Promise.all([...starts, ...creates, ...grown].map(codeOf));
    expect(new Set(codes)).toEqual(new Set(['done', 'QUOTA_EXCEEDED']));
    const used = await runningMemory(one);
    expect(used).toBeLessThanOrEqual(8);
    expect(used).toBeGreaterThanOrEqual(6);
    expect((await other.projects.quota()).running.memory.used).toBe(used * gib);
  });

  it('leave one start of two that need the same room', async () => {
    const [one, other] = await signedIn('pair');
    const large = await Promise.all([0, 1].map((index) => one.projects.create({ name: `p${index}`, size: 'S' })));
    for (const { id } of large) {
      await one.projects.stop(id);
      await one.projects.update({ id, size: 'L' });
    }
    for (let round = 0; round < 5; round += 1) {
      const [first, second] = large.map(({ id }) => id);
      const codes = await Promise.all([
        codeOf(one.projects.start(first ?? '')),
        codeOf(other.projects.start(second ?? '')),
      ]);
      expect(codes.toSorted()).toEqual(['QUOTA_EXCEEDED', 'done']);
      for (const { id } of large) await one.projects.stop(id);
    }
  });
});

it('a project of an earlier version, and one whose size is gone, count as the default size', async () => {
  const [client] = await signedIn('old');
  const { id } = await client.projects.create({ name: 'old', size: 'S' });
  await db('projects').where({ id }).update({ size: null, storage: null });
  expect(await client.projects.quota()).toMatchObject({
    running: { memory: { used: 4 * gib } },
    storage: { used: 10 * gib },
  });
  await db('projects').where({ id }).update({ size: 'XL', storage: '5Gi' });
  expect(await client.projects.quota()).toMatchObject({
    running: { memory: { used: 4 * gib } },
    storage: { used: 5 * gib },
  });
});

describe('the command line', () => {
  const runProgram = promisify(execFile);
  it('shows what fits, creates a project of a size, and gives it another one', async () => {
    const [client] = await signedIn('typist');
    const [server] = servers;
    const opmEnv = { PATH: process.env['PATH'], OPM_URL: server?.url, OPM_TOKEN: await server?.mintToken('typist') };
    const opm = async (...args: string[]) =>
      (await runProgram(process.execPath, ['src/cli/opm.ts', ...args], { env: opmEnv })).stdout;
    expect(await opm('create', 'typed', '--size', 'S')).toMatch(/^Size: S$/m);
    const table = await opm('sizes');
    expect(table).toMatch(/^M \(default\) +2 +4 GiB +10 GiB +1$/m);
    expect(table).toMatch(/^Running memory: 2 GiB of 8 GiB\nStorage: 5 GiB of 40 GiB$/m);
    expect(await opm('size', 'typed', 'M')).toMatch(/^Size: M \(its pod has S until a restart\)$/m);
    expect(await opm('size', 'typed', 'default')).not.toMatch(/Size/);
    await expect(opm('create', 'another', '--size', 'L')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/Stop “typed” to start this\.\n$/) as string,
    });
    expect((await client.projects.list()).items).toMatchObject([{ name: 'typed', size: null }]);
  });
});

describe('an installation without sizes', () => {
  let plain: GatewaySystem;
  beforeAll(async () => {
    plain = await startGatewaySystem({ QUOTA_RUNNING_PROJECTS: '1' });
  });
  afterAll(() => plain.stop());

  it('shows none and limits nothing', async () => {
    const client = createClient({
      url: `http://127.0.0.1:${plain.server.port}`,
      token: await plain.server.mintToken('plain'),
    });
    const { id } = await client.projects.create({ name: 'plain' });
    const quota = await client.projects.quota();
    expect(quota).toMatchObject({ sizes: [], default: { start: { more: null, refusal: null } } });
    expect(await messageOf(client.projects.update({ id, size: 'S' }))).toMatch(/has no sizes/);
    expect(await client.projects.get(id)).toMatchObject({ size: null, storage: null });
    await client.close();
  });

  it('limits the number of running projects, also for the Start button of a waiting page', async () => {
    const running = await plain.createProject('visitor', null);
    const stopped = await plain.createProject('visitor', null, { status: 'stopped', desiredState: 'stopped' });
    const session = await plain.signIn('visitor');
    const headers = { cookie: await plain.enter(session, stopped), origin: plain.originOf(stopped) };
    const start = () => plain.ask({ projectId: stopped, path: `${gatewayPath}/start`, method: 'POST', headers });
    const refused = await start();
    expect(refused.status).toBe(409);
    expect(refused.text).toMatch(/You run 1 of at most 1 projects\. Stop “Project \d+” to start this\./);
    await plain.patchProject(running, { desiredState: 'stopped', status: 'stopped' });
    expect((await start()).status).toBe(303);
    // What is done here is in the audit log too.
    const entries = await plain
      .db('audit_entries')
      .where({ action: 'projects.start' })
      .select('action', 'actor', 'details');
    expect(entries).toMatchObject([
      { action: 'projects.start', actor: expect.stringMatching(/^visitor/), details: { id: stopped } },
    ]);
  });
});

describe('the defaults of a person', () => {
  it('count for creates that say nothing else, and for nobody else', async () => {
    const [client] = await signedIn('has-defaults');
    const [other] = await signedIn('has-none');
    const defaults = { size: 'S', idleStop: '4h', aiReview: true } as const;
    expect(await client.trpc.auth.setDefaults.mutate(defaults)).toEqual(defaults);
    expect(await client.trpc.auth.defaults.query()).toEqual(defaults);
    // What is left out stays, also when two pages change something at the same time.
    const parts = [{ aiReview: false }, { idleStop: 'never' }] as const;
    await Promise.all(parts.map((part) => client.trpc.auth.setDefaults.mutate(part)));
    expect(await client.trpc.auth.defaults.query()).toEqual({ size: 'S', idleStop: 'never', aiReview: false });
    await client.trpc.auth.setDefaults.mutate(defaults);
    expect(await client.projects.create({ name: 'usual' })).toMatchObject(defaults);
    for (const size of ['M', null]) {
      const created = await client.projects.create({ name: `size ${size}`, size });
      expect(created).toMatchObject({ ...defaults, size });
      await client.projects.delete(created.id); // makes room
    }
    expect(await other.projects.create({ name: 'usual' })).toMatchObject({
      size: null,
      idleStop: 'default',
      aiReview: false,
    });
  });

  it('name only sizes of the installation, and a size that was removed since is left out', async () => {
    const [client] = await signedIn('lost-a-size');
    const defaults = { size: 'Huge', idleStop: 'default', aiReview: false } as const;
    expect(await codeOf(client.trpc.auth.setDefaults.mutate(defaults))).toBe('VALIDATION_FAILED');
    await client.trpc.auth.setDefaults.mutate({ ...defaults, size: 'S' });
    await db('users')
      .where({ name: 'lost-a-size' })
      .update({ projectDefaults: JSON.stringify(defaults) });
    expect(await client.projects.create({ name: 'usual' })).toMatchObject({ size: null });
  });
});
