import { randomUUID } from 'node:crypto';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bearer, createApiCall } from '../support/api-call.ts';
import { idFieldsOf, inputWith } from '../support/made-up-input.ts';
import { mintSession } from '../support/mint-session.ts';
import { procedures, type Procedure } from '../support/procedures.ts';
import { openSocket, type RawMessage } from '../support/raw-socket.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../support/services.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

let database: TestDatabase;
let recorder: Recorder;
let server: TestServer;
let owner: ReturnType<typeof createApiCall>;
let stranger: ReturnType<typeof createApiCall>;
let strangersBrowser: ReturnType<typeof createApiCall>;
let strangersToken: string;
let projectId: string;
let tokenId: string;
let sessionId: string;

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  recorder = await recordStatements(database.url);
  server = await startTestServer({
    databaseUrl: recorder.url,
    redisUrl: redis.url,
    timings: { compareIntervalMs: 200, revocationIntervalMs: 3_600_000 },
  });
  owner = createApiCall(server.url, bearer(await server.mintToken('owner')));
  strangersToken = await server.mintToken('stranger');
  stranger = createApiCall(server.url, bearer(strangersToken));
  const project = await owner('projects.create', { body: { name: 'Private', idempotencyKey: 'first' } });
  projectId = (project.data as { id: string }).id;
  tokenId = ((await owner('tokens.create', { body: { name: 'private' } })).data as { id: string }).id;
  sessionId = (await mintSession(database.url, { name: 'owner' })).id;
  const { cookie } = await mintSession(database.url, { name: 'stranger' });
  strangersBrowser = createApiCall(server.url, { cookie, origin: server.url });
  await stranger('auth.me'); // the use of a token is recorded once a minute; from now on each call sends the same queries
});
afterAll(async () => {
  await server.stop();
  await recorder.close();
  await database.drop();
});

/** The procedures that take an id. The other tests cover the rest. */
const asking = procedures.flatMap((procedure) => {
  const paths = idFieldsOf(procedure).flatMap(({ path, isUuid }) => (isUuid ? [path] : []));
  if (procedure.type === 'subscription' || paths.length === 0) return [];
  const question = (id: string) => inputWith(procedure, Object.fromEntries(paths.map((path) => [path, id])));
  return [{ ...procedure, question }];
});

async function ask({ name, type }: Procedure, input: unknown) {
  const request = type === 'query' ? { input } : { body: input };
  const who = name.startsWith('sessions.') ? strangersBrowser : stranger; // a token may not end any session
  const { result, statements } = await recorder.during(() => who(name, request));
  const headers = [...result.headers.keys()].filter((header) => header !== 'x-request-id').toSorted();
  return { status: result.status, text: result.text, headers, statements };
}

const everything = async () => ({
  project: (await owner('projects.get', { input: { id: projectId } })).data,
  activity: (await owner('projects.activity', { input: { id: projectId } })).data,
  tokens: ((await owner('tokens.list')).data as { id: string; name: string }[]).map(({ id, name }) => ({ id, name })),
  sessions: ((await owner('sessions.list')).data as { id: string }[]).map(({ id }) => id),
});

/** The id of the owner's object for each procedure. */
function idOfOwners(procedure: string): string {
  if (procedure.startsWith('tokens.')) return tokenId;
  return procedure.startsWith('sessions.') ? sessionId : projectId;
}

describe('fault 25: another owner’s id, through every procedure and subscription', () => {
  it.each(asking)('$name answers as for an unknown id: same message, same headers, same queries', async (one) => {
    const answer = await ask(one, one.question(idOfOwners(one.name)));
    // Procedures of administrators refuse everybody else, whatever the input names.
    const isForAdministrators = one.name.startsWith('admin.');
    expect(answer.status).toBe(isForAdministrators ? 403 : 404);
    expect(answer.text).toContain(isForAdministrators ? 'FORBIDDEN' : 'NOT_FOUND');
    expect(answer.statements.length).toBeGreaterThan(0);
    // The same statements in the same order take the same time, so there is no timing difference to measure.
    expect(answer).toEqual(await ask(one, one.question(randomUUID())));
  });

  it('projects.onChange answers 404 as for an unknown id, also when a client resumes, and sends no event', async () => {
    const socket = await openSocket(server.url, { token: strangersToken });
    await socket.subscribe(1);
    const present = socket.messages.find((message) => message.result?.data)?.result?.data?.id;
    let call = 1;
    const subscribe = async (id: string, lastEventId?: string | null) => {
      call += 1;
      const { result, statements } = await recorder.during(() =>
        socket.subscribe(call, { projectId: id, lastEventId }),
      );
      return { result, statements };
    };
    for (const lastEventId of [undefined, '0-0', present]) {
      const theirs = await subscribe(projectId, lastEventId);
      expect(theirs.result).toMatchObject({ data: { appCode: 'NOT_FOUND', httpStatus: 404 } });
      expect(theirs.statements).toHaveLength(1);
      expect(theirs).toEqual(await subscribe(randomUUID(), lastEventId));
    }
    await expectSilence(socket.messages);
    socket.close();
  });

  it('a subscription to all projects receives only the projects of the subscriber', async () => {
    const socket = await openSocket(server.url, { token: strangersToken });
    expect(await socket.subscribe(1)).toMatchObject({ type: 'snapshot' });
    expect(await socket.subscribe(2, { lastEventId: '0-0' })).toMatchObject({ type: 'snapshot' });
    await expectSilence(socket.messages);
    socket.close();
  });

  it('lists, names, idempotency keys and cursors give no access to the objects of another person', async () => {
    await owner('projects.create', { body: { name: 'Second' } });
    const cursor = ((await owner('projects.list', { input: { limit: 1 } })).data as { nextCursor: string }).nextCursor;
    const before = await everything();
    const made = await stranger('projects.create', { body: { name: 'Private', idempotencyKey: 'first' } });
    const mine = (made.data as { id: string }).id;
    expect([made.status, mine === projectId]).toEqual([200, false]);
    for (const input of [{}, { search: 'private' }, { sort: 'name' }, { status: 'initializing' }]) {
      const { items } = (await stranger('projects.list', { input })).data as { items: { id: string }[] };
      const own = items.map(({ id }) => id);
      expect(own).toContain(mine);
      expect(own).not.toContain(projectId);
    }
    const after = (await stranger('projects.list', { input: { cursor } })).data as { items: { ownerId: string }[] };
    expect(new Set(after.items.map(({ ownerId }) => ownerId)).size).toBeLessThanOrEqual(1);
    expect(JSON.stringify(after)).not.toContain(projectId);
    expect(JSON.stringify((await stranger('tokens.list')).data)).not.toContain(tokenId);
    expect(JSON.stringify((await stranger('sessions.list')).data)).not.toContain(sessionId);
    const ended = [await strangersBrowser('sessions.revokeOthers', { body: {} })];
    ended.push(await strangersBrowser('sessions.revokeAll', { body: {} }));
    expect(ended.map(({ status }) => status)).toEqual([200, 200]);
    expect(JSON.stringify(ended.map(({ data }) => data))).not.toContain(sessionId);
    expect((await stranger('auth.me')).data).toMatchObject({ name: 'stranger' });
    expect(await everything()).toEqual(before);
  });
});

/** The owner changes a project and the stranger creates one. The stranger must have received only the latter. */
async function expectSilence(messages: RawMessage[]): Promise<void> {
  const changed = await owner('projects.update', { body: { id: projectId, description: randomUUID() } });
  expect(changed.status).toBe(200);
  const { data } = await stranger('projects.create', { body: { name: `Own ${randomUUID()}` } });
  const own = (data as { id: string }).id;
  // The stream keeps the order, so the change of the owner would have arrived first.
  await expect.poll(() => JSON.stringify(messages)).toContain(own);
  expect(JSON.stringify(messages)).not.toContain(projectId);
  await stranger('projects.delete', { body: { id: own } });
}

interface Recorder {
  url: string;
  /** The statements that were sent during the work. */
  during<T>(work: () => Promise<T>): Promise<{ result: T; statements: string[] }>;
  close(): Promise<void>;
}

/** A proxy of the database that records statements, except those of timers and of new connections. */
async function recordStatements(databaseUrl: string): Promise<Recorder> {
  const url = new URL(databaseUrl);
  const target = { host: url.hostname, port: Number(url.port) };
  const sockets = new Set<Socket>();
  let observed = '';
  const proxy = createServer((inner) => {
    const outer = connect(target);
    for (const socket of [inner, outer]) {
      sockets.add(socket);
      socket.on('error', () => undefined); // either end closes both
      socket.on('close', () => [inner, outer].forEach((one) => one.destroy()));
    }
    inner.on('data', (chunk) => (observed += chunk.toString('latin1')));
    inner.pipe(outer);
    outer.pipe(inner);
  });
  await new Promise<void>((resolve) => {
    proxy.listen(0, '127.0.0.1', resolve);
  });
  url.hostname = '127.0.0.1';
  url.port = String((proxy.address() as AddressInfo).port); // it listens on TCP
  return {
    url: url.href,
    async during(work) {
      observed = '';
      const result = await work();
      const statements = [
        ...observed.matchAll(/(?:select|insert|update|delete|begin|commit|rollback)\b[^\0]*(?=\0)/gi),
      ];
      const ofItself =
        /deleted_at is not null as is_hidden|from "leases"|^select version|clock_timestamp|from installation|^delete from "(?:device_logins|audit_entries)"/;
      return { result, statements: statements.map(([text]) => text).filter((text) => !ofItself.test(text)) };
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        proxy.close(() => resolve());
      }),
  };
}
