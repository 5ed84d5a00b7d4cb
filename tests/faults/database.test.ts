import { randomUUID } from 'node:crypto';

import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { bearer, createApiCall } from '../support/api-call.ts';
import { createOwnPostgres, type OwnService } from '../support/own-services.ts';
import { procedures } from '../support/procedures.ts';
import { startServerProcess, type ServiceProcess } from '../support/processes.ts';
import { openSocket, type RawSocket } from '../support/raw-socket.ts';
import { createTestRedis } from '../support/services.ts';
import { mintToken } from '../support/test-server.ts';
import { shownBy, startWriters, type Answered, type Writers } from './writers.ts';

const limitMs = 3_000;

let postgres: OwnService;
let server: ServiceProcess;
let token: string;
let call: ReturnType<typeof createApiCall>;
let present: Writers | null = null;
let projectId: string;
let tokenId: string;
let taskId: string;
let runId: string;

beforeAll(async () => {
  const [redis, own] = await Promise.all([createTestRedis(), createOwnPostgres()]);
  postgres = own;
  const env = { MAX_PROJECTS_PER_USER: '100000' };
  server = await startServerProcess({ databaseUrl: postgres.url, redisUrl: redis.url, env });
  token = await mintToken(postgres.url, 'user');
  call = createApiCall(server.url, bearer(token));
  projectId = ((await call('projects.create', { body: { name: 'First' } })).data as { id: string }).id;
  tokenId = ((await call('tokens.create', { body: { name: 'other' } })).data as { id: string }).id;
  taskId = ((await call('tasks.create', { body: { projectId, title: 'First' } })).data as { id: string }).id;
  const run = { taskId, idempotencyKey: 'first' };
  runId = ((await call('runs.start', { body: run })).data as { id: string }).id;
});
afterAll(async () => {
  await server.kill();
  await postgres.stop();
});

// After a failure too, the next test needs a database that answers and no running writers.
afterEach(async () => {
  postgres.thaw();
  await postgres.start();
  await present?.stop();
  present = null;
});

/** A correct input of each procedure, so that only the database can fail. */
const inputs: Record<string, () => unknown> = {
  'auth.defaults': () => undefined,
  'auth.setDefaults': () => ({ size: null, idleStop: 'never', aiReview: true }),
  'admin.people': () => undefined,
  'admin.endSessions': () => ({ id: randomUUID() }),
  'admin.projects': () => undefined,
  'admin.stopProject': () => ({ id: projectId }),
  'admin.usage': () => undefined,
  'admin.audit': () => undefined,
  'admin.notice': () => undefined,
  'admin.setNotice': () => ({ announcement: null, isDraining: false }),
  'auth.me': () => undefined,
  'projects.create': () => ({ name: 'Lost' }),
  'projects.get': () => ({ id: projectId }),
  'projects.list': () => ({}),
  'projects.update': () => ({ id: projectId, description: 'Lost.' }),
  'projects.delete': () => ({ id: projectId }),
  'projects.stop': () => ({ id: projectId }),
  'projects.start': () => ({ id: projectId }),
  'projects.restart': () => ({ id: projectId }),
  'projects.retry': () => ({ id: projectId }),
  'projects.open': () => ({ id: projectId }),
  'projects.trash': () => ({ id: projectId }),
  'projects.restore': () => ({ id: projectId }),
  'projects.trashSettings': () => ({}),
  'devices.start': () => ({ name: 'lost' }),
  'devices.poll': () => ({ deviceCode: 'lost' }),
  'devices.find': () => ({ userCode: 'BBBB-BBBB' }),
  'devices.confirm': () => ({ userCode: 'BBBB-BBBB' }),
  'devices.refuse': () => ({ userCode: 'BBBB-BBBB' }),
  'files.unsaved': () => ({ id: projectId }),
  'projects.keep': () => ({ id: projectId }),
  'projects.idleStopDefault': () => ({}),
  'projects.quota': () => ({}),
  'projects.activity': () => ({ id: projectId }),
  'projects.logs': () => ({ id: projectId, container: 'opencode-server' }),
  'projects.usualStart': () => ({}),
  'files.list': () => ({ id: projectId }),
  'files.stat': () => ({ id: projectId, path: 'a' }),
  'files.read': () => ({ id: projectId, path: 'a' }),
  'files.write': () => ({ id: projectId, path: 'a', content: '', version: null }),
  'files.makeFolder': () => ({ id: projectId, path: 'a' }),
  'files.rename': () => ({ id: projectId, from: 'a', to: 'b' }),
  'files.copy': () => ({ id: projectId, from: 'a', to: 'b' }),
  'files.delete': () => ({ id: projectId, path: 'a' }),
  'files.search': () => ({ id: projectId, query: 'a', mode: 'name' }),
  'files.gitStatus': () => ({ id: projectId }),
  'files.gitDiff': () => ({ id: projectId }),
  'models.providers': () => undefined,
  'models.setKey': () => ({ provider: 'anthropic', key: 'sk-ant-a-key-of-tests' }),
  'models.deleteKey': () => ({ provider: 'anthropic' }),
  'models.usage': () => ({}),
  'projects.poll': () => ({}),
  'config.get': () => ({ id: projectId }),
  'config.save': () => ({ id: projectId, document: '{"model":"a/lost"}', rules: '', baseVersion: 0 }),
  'config.versions': () => ({ id: projectId }),
  'config.version': () => ({ id: projectId, version: 1 }),
  'config.restore': () => ({ id: projectId, version: 1, baseVersion: 1 }),
  'config.applyNow': () => ({ id: projectId }),
  'members.list': () => ({ id: projectId }),
  'members.add': () => ({ id: projectId, email: 'lost@example.test', role: 'viewer' }),
  'members.setRole': () => ({ id: projectId, userId: randomUUID(), role: 'viewer' }),
  'members.remove': () => ({ id: projectId, userId: randomUUID() }),
  'members.leave': () => ({ id: projectId }),
  'runs.start': () => ({ taskId, idempotencyKey: randomUUID() }),
  'runs.followUp': () => ({ runId, text: 'Lost', idempotencyKey: randomUUID() }),
  'runs.abort': () => ({ runId }),
  'runs.answer': () => ({ runId, requestId: 'per_1', answer: { type: 'permission', reply: 'once' } }),
  'runs.get': () => ({ runId }),
  'runs.list': () => ({ taskId }),
  'runs.transcript': () => ({ runId }),
  'sessions.list': () => undefined,
  'sessions.revoke': () => ({ id: randomUUID() }),
  'sessions.revokeOthers': () => ({}),
  'sessions.revokeAll': () => ({}),
  'tasks.create': () => ({ projectId, title: 'Lost' }),
  'tasks.update': () => ({ id: taskId, title: 'Lost' }),
  'tasks.move': () => ({ id: taskId, state: 'DONE', afterId: null }),
  'tasks.delete': () => ({ id: taskId }),
  'tasks.get': () => ({ id: taskId }),
  'tasks.changes': () => ({ id: taskId }),
  'tasks.fileDiff': () => ({ id: taskId, path: 'a' }),
  'tasks.accept': () => ({ id: taskId, headCommit: '0'.repeat(40) }),
  'tasks.discard': () => ({ id: taskId }),
  'tasks.push': () => ({ id: taskId }),
  'tasks.list': () => ({ projectId }),
  'tokens.create': () => ({ name: 'lost' }),
  'tokens.list': () => undefined,
  'tokens.revoke': () => ({ id: tokenId }),
};
const overHttp = procedures.filter(({ type }) => type !== 'subscription');

/** Calls every procedure at once. Resolves to each answer with its time. */
function callEverything(): Promise<Answered[]> {
  return Promise.all(
    overHttp.map(async ({ name, type }) => {
      const startedAtMs = performance.now();
      const input = inputs[name]?.();
      const answer = await call(name, type === 'query' ? { input } : { body: input });
      return { path: name, input: {}, answer, startedAtMs, tookMs: performance.now() - startedAtMs };
    }),
  );
}

function expectUnavailable({ path, answer }: Answered): void {
  const what = [path, answer?.status, answer?.error?.data['appCode'], answer?.headers.get('retry-after')];
  expect(what).toEqual([path, 503, 'UNAVAILABLE', '2']);
}

/** Each request of the writers was carried out or got a 503 with Retry-After, and none took too long. */
function expectHonestAnswers({ requests }: Writers, withinMs: number): void {
  for (const one of requests) {
    expect(one.answer, `${one.path} got no answer`).not.toBeNull();
    if (one.answer?.status !== 200) expectUnavailable(one);
    expect(one.tookMs, `${one.path} with ${one.answer?.status}`).toBeLessThan(withinMs);
  }
}

async function onDatabase<Row>(sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as Row[]; // what the statement selects
  } finally {
    await client.end();
  }
}

type Stored = { id: string; idempotencyKey: string | null; description: string; statusVersion: number };
const stored = () =>
  onDatabase<Stored>(
    'select id, idempotency_key as "idempotencyKey", description, status_version::int as "statusVersion" from projects',
  );

/** Nothing acknowledged is lost. A create without an answer may be stored, and repeating it creates no second project. */
async function expectNothingLost(writers: Writers): Promise<void> {
  const rows = new Map((await stored()).map((row) => [row.id, row]));
  for (const [id, { idempotencyKey, description }] of writers.acknowledged) {
    const row = rows.get(id);
    expect(row?.idempotencyKey).toBe(idempotencyKey);
    if (row?.description === description) continue;
    // A later change without an answer may have been stored.
    const unanswered = writers.requests.filter((one) => one.answer?.status !== 200 && one.input['id'] === id);
    expect(unanswered.map((one) => one.input['description'])).toContain(row?.description);
  }
  for (const { path, input, answer } of writers.requests) {
    if (path !== 'projects.create' || answer?.status === 200) continue;
    expect((await call(path, { body: input })).status).toBe(200);
  }
  const made = writers.requests
    .filter(({ path }) => path === 'projects.create')
    .map(({ input }) => input['idempotencyKey']);
  const kept = (await stored()).map((row) => row.idempotencyKey).filter((id) => id?.startsWith(writers.crew));
  expect(kept).toHaveLength(new Set(made).size);
  expect(new Set<unknown>(kept)).toEqual(new Set(made));
}

/** The subscription is still open and shows what the database says. */
async function expectStoredState(socket: RawSocket): Promise<void> {
  const versionsOf = (rows: Stored[]) =>
    new Map(rows.map(({ id, description, statusVersion }) => [id, { description, statusVersion }]));
  const rows = await stored();
  await expect.poll(() => shownBy(socket.messages), { timeout: 25_000, interval: 200 }).toEqual(versionsOf(rows));
  expect(socket.ws.readyState).toBe(socket.ws.OPEN);
}

describe('fault 8: PostgreSQL is killed and restarted', () => {
  it('the table has every procedure', () => {
    expect(overHttp.map(({ name }) => name).toSorted()).toEqual(Object.keys(inputs).toSorted());
  });

  it('all answers are 503 with Retry-After, nothing acknowledged is lost, and open subscriptions end with the stored state', async () => {
    const sockets = await Promise.all([openSocket(server.url, { token }), openSocket(server.url, { token })]);
    for (const socket of sockets) expect(await socket.subscribe(1)).toMatchObject({ type: 'snapshot' });
    const writers = startWriters({ url: server.url, token, count: 6 });
    present = writers;
    for (let round = 0; round < 3; round += 1) {
      await writers.progress(30);
      await postgres.kill();
      for (const answered of await callEverything()) expectUnavailable(answered);
      const late = await openSocket(server.url, { token });
      expect(await late.closed).toBe(1013); // the client retries; the server cannot check the token now
      expect(late.messages).toEqual([]);
      expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
      expect((await fetch(`${server.url}/livez`)).status).toBe(200);
      await postgres.start();
    }
    await writers.progress(30);
    await writers.stop();

    expectHonestAnswers(writers, 5_000);
    await expectNothingLost(writers);
    for (const socket of sockets) await expectStoredState(socket);
    for (const socket of sockets) socket.close();
  }, 90_000);
});

describe('fault 9: PostgreSQL is frozen', () => {
  it('running and new requests fail within 3 s, the pool recovers, and nothing acknowledged is lost', async () => {
    const connections = () =>
      onDatabase<{ state: string; count: number }>(
        "select state, count(*)::int as count from pg_stat_activity where application_name = 'opencode-server' group by state",
      );
    const acknowledgedTokens = new Set<string>();
    const createToken = async (name: string) => {
      const { status } = await call('tokens.create', { body: { name } });
      if (status === 200) acknowledgedTokens.add(name);
      return status;
    };
    const socket = await openSocket(server.url, { token });
    await socket.subscribe(1);
    const writers = startWriters({ url: server.url, token, count: 12 });
    present = writers;
    for (let round = 0; round < 2; round += 1) {
      await writers.progress(30);
      postgres.freeze();
      const late = await openSocket(server.url, { token });
      const openedAt = performance.now();
      const lateClosedAfterMs = late.closed.then(() => performance.now() - openedAt);
      for (let again = 0; again < 2; again += 1) {
        for (const answered of await callEverything()) {
          expectUnavailable(answered);
          expect(answered.tookMs, answered.path).toBeLessThan(limitMs);
        }
      }
      expect(await late.closed).toBe(1013);
      expect(await lateClosedAfterMs).toBeLessThan(limitMs);
      postgres.thaw();
      // An abandoned statement may run now. No later work may end up in its transaction.
      for (let more = 0; more < 20; more += 1) {
        await expect.poll(() => createToken(`${round} ${more}`), { timeout: 10_000 }).toBe(200);
      }
      await writers.progress(30);
    }
    await writers.stop();

    expectHonestAnswers(writers, limitMs);
    await expectNothingLost(writers);
    await expectStoredState(socket);
    const tokens = (await call('tokens.list')).data as { name: string }[];
    expect(tokens.map(({ name }) => name)).toEqual(expect.arrayContaining([...acknowledgedTokens]));
    // At most the size of the pool, and no connection is stuck in a statement from before.
    await expect
      .poll(async () => (await connections()).map(({ state }) => state), { timeout: 10_000 })
      .toEqual(['idle']);
    expect((await connections())[0]?.count).toBeLessThanOrEqual(10);
    socket.close();
  }, 90_000);
});
