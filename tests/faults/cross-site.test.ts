import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Database } from '../../src/shared/node/db/database.ts';
import { createApiCall } from '../support/api-call.ts';
import { createCookieBrowser } from '../support/cookie-browser.ts';
import { openTestDatabase } from '../support/open-test-database.ts';
import { procedures } from '../support/procedures.ts';
import { openSocket } from '../support/raw-socket.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../support/scripted-issuer.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../support/services.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

let database: TestDatabase;
let db: Database;
let issuer: ScriptedIssuer;
let server: TestServer;
/** The cookie that the browser of a signed-in person sends with every request. */
let cookie: string;
let projectId: string;
let tokenId: string;
let sessionId: string;
let taskId: string;
let runId: string;

beforeAll(async () => {
  const redis = await createTestRedis();
  [database, issuer] = await Promise.all([createTestDatabase(), startScriptedIssuer()]);
  db = openTestDatabase(database.url, { poolSize: 2 });
  server = await startTestServer({
    databaseUrl: database.url,
    redisUrl: redis.url,
    env: { OIDC_ISSUER: issuer.url },
  });
  const browser = createCookieBrowser();
  await browser.open(`${server.url}/auth/login`);
  cookie = browser.cookiesFor(server.url);
  const call = createApiCall(server.url, { cookie, origin: server.url });
  projectId = ((await call('projects.create', { body: { name: 'Mine' } })).data as { id: string }).id;
  tokenId = ((await call('tokens.create', { body: { name: 'mine' } })).data as { id: string }).id;
  taskId = ((await call('tasks.create', { body: { projectId, title: 'First' } })).data as { id: string }).id;
  const run = { taskId, idempotencyKey: 'first' };
  runId = ((await call('runs.start', { body: run })).data as { id: string }).id;
  sessionId = ((await call('sessions.list')).data as { id: string }[])[0]?.id ?? '';
});
afterAll(async () => {
  await server.stop();
  await issuer.goAway();
  await db.destroy();
  await database.drop();
});

/** A correct input of each mutation, so that only the origin of the request can be wrong. */
const inputs: Record<string, () => unknown> = {
  'auth.setDefaults': () => ({ size: null, idleStop: 'never', aiReview: true }),
  'admin.endSessions': () => ({ id: randomUUID() }),
  'admin.stopProject': () => ({ id: projectId }),
  'admin.setNotice': () => ({ announcement: 'Theirs', isDraining: true }),
  'projects.create': () => ({ name: 'Theirs' }),
  'projects.update': () => ({ id: projectId, name: 'Theirs' }),
  'projects.delete': () => ({ id: projectId }),
  'projects.stop': () => ({ id: projectId }),
  'projects.start': () => ({ id: projectId }),
  'projects.restart': () => ({ id: projectId }),
  'projects.retry': () => ({ id: projectId }),
  'projects.open': () => ({ id: projectId }),
  'projects.trash': () => ({ id: projectId }),
  'projects.restore': () => ({ id: projectId }),
  'projects.keep': () => ({ id: projectId }),
  'devices.start': () => ({ name: 'theirs' }),
  'devices.poll': () => ({ deviceCode: 'theirs' }),
  'devices.confirm': () => ({ userCode: 'BBBB-BBBB' }),
  'devices.refuse': () => ({ userCode: 'BBBB-BBBB' }),
  'files.write': () => ({ id: projectId, path: 'a', content: 'theirs', version: null }),
  'files.makeFolder': () => ({ id: projectId, path: 'a' }),
  'files.rename': () => ({ id: projectId, from: 'a', to: 'b' }),
  'files.copy': () => ({ id: projectId, from: 'a', to: 'b' }),
  'files.delete': () => ({ id: projectId, path: 'a' }),
  'models.setKey': () => ({ provider: 'anthropic', key: 'sk-ant-a-key-of-theirs' }),
  'models.deleteKey': () => ({ provider: 'anthropic' }),
  'config.save': () => ({ id: projectId, document: '{"model":"a/theirs"}', rules: '', baseVersion: 0 }),
  'config.restore': () => ({ id: projectId, version: 1, baseVersion: 0 }),
  'config.applyNow': () => ({ id: projectId }),
  'members.add': () => ({ id: projectId, email: 'theirs@example.test', role: 'editor' }),
  'members.setRole': () => ({ id: projectId, userId: randomUUID(), role: 'editor' }),
  'members.remove': () => ({ id: projectId, userId: randomUUID() }),
  'members.leave': () => ({ id: projectId }),
  'runs.start': () => ({ taskId, idempotencyKey: 'theirs' }),
  'runs.followUp': () => ({ runId, text: 'Theirs', idempotencyKey: 'theirs' }),
  'runs.abort': () => ({ runId }),
  'runs.answer': () => ({ runId, requestId: 'per_1', answer: { type: 'permission', reply: 'once' } }),
  'sessions.revoke': () => ({ id: sessionId }),
  'sessions.revokeOthers': () => ({}),
  'sessions.revokeAll': () => ({}),
  'tasks.create': () => ({ projectId, title: 'Theirs' }),
  'tasks.update': () => ({ id: taskId, title: 'Theirs' }),
  'tasks.move': () => ({ id: taskId, state: 'DONE', afterId: null }),
  'tasks.delete': () => ({ id: taskId }),
  'tasks.accept': () => ({ id: taskId, headCommit: '0'.repeat(40) }),
  'tasks.discard': () => ({ id: taskId }),
  'tasks.push': () => ({ id: taskId }),
  'tokens.create': () => ({ name: 'theirs' }),
  'tokens.revoke': () => ({ id: tokenId }),
};

const mutations = procedures.filter(({ type }) => type === 'mutation').map(({ name }) => name);

const contentTypes = {
  'application/json': (input: unknown) => JSON.stringify(input),
  'text/plain': (input: unknown) => JSON.stringify(input),
  'application/x-www-form-urlencoded': (input: unknown) =>
    new URLSearchParams(input as Record<string, string>).toString(),
  'multipart/form-data; boundary=x': (input: unknown) =>
    `${Object.entries(input as Record<string, string>)
      .map(([name, value]) => `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
      .join('')}--x--\r\n`,
};

const foreign: [where: string, headers: () => Record<string, string>][] = [
  ['another site', () => ({ origin: 'https://evil.test' })],
  ['another site that begins like ours', () => ({ origin: `${server.url}.evil.test` })],
  ['another port of this machine', () => ({ origin: 'http://localhost:1' })],
  ['a sandboxed frame or a local file', () => ({ origin: 'null' })],
  ['a place that it does not name', () => ({})],
  ['another site, by a browser that tells no origin', () => ({ 'sec-fetch-site': 'cross-site' })],
  [
    'another site, behind a proxy with a password',
    () => ({ origin: 'https://evil.test', authorization: 'Basic dTpw' }),
  ],
];

const everything = async () => ({
  projects: await db('projects').select().orderBy('id'),
  tasks: await db('tasks').select().orderBy('id'),
  runs: await db('runs').select().orderBy('id'),
  tokens: await db('access_tokens').select('id', 'name', 'revoked_at').orderBy('id'),
  liveSessions: await db('sessions').whereNull('revoked_at').count(),
});

describe('fault 23: cross-site WebSocket and multipart POST', () => {
  it('the table has every mutation', () => {
    expect(mutations.toSorted()).toEqual(Object.keys(inputs).toSorted());
  });

  it.each(foreign)(
    'a POST with the cookie from %s gets 403 in every content type and changes nothing',
    async (_, headers) => {
      const before = await everything();
      for (const name of mutations) {
        for (const [contentType, encode] of Object.entries(contentTypes)) {
          const answer = await createApiCall(server.url, { cookie, 'content-type': contentType, ...headers() })(name, {
            body: encode(inputs[name]?.()),
          });
          expect([name, contentType, answer.status, answer.error?.data['appCode']]).toEqual([
            name,
            contentType,
            403,
            'FORBIDDEN',
          ]);
        }
      }
      const batch = createApiCall(server.url, { cookie, ...headers() });
      expect((await batch('projects.stop,projects.delete?batch=1', { body: { 0: { id: projectId } } })).status).toBe(
        403,
      );
      expect(await everything()).toEqual(before);
    },
  );

  it('a form on another site cannot sign a person out', async () => {
    const before = await everything();
    for (const [, headers] of foreign) {
      const answer = await fetch(`${server.url}/auth/logout`, { method: 'POST', headers: { cookie, ...headers() } });
      expect(answer.status).toBe(403);
    }
    const link = { headers: { cookie, 'sec-fetch-site': 'cross-site' } };
    expect((await fetch(`${server.url}/auth/logout`, link)).status).toBe(403);
    expect(await everything()).toEqual(before);
  });

  it('the handshake of a WebSocket from another site is refused with 403, with and without the cookie', async () => {
    for (const origin of ['https://evil.test', 'null', 'http://localhost:1', `${server.url}.evil.test`]) {
      await expect(openSocket(server.url, { origin, cookie })).rejects.toThrow('refused with 403');
      await expect(openSocket(server.url, { origin })).rejects.toThrow('refused with 403');
    }
    const own = await openSocket(server.url, { origin: server.url, cookie });
    expect(await own.subscribe(1)).toMatchObject({ type: 'snapshot' });
    own.close();
  });

  it('no answer has headers that allow another site to read it', async () => {
    const headers = { cookie, origin: 'https://evil.test', 'access-control-request-method': 'POST' };
    for (const method of ['GET', 'OPTIONS', 'POST']) {
      const answer = await fetch(`${server.url}/trpc/auth.me`, { method, headers });
      expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });

  it('our own page and a program with a token are served, also without an Origin header', async () => {
    const rename = (headers: Record<string, string>) =>
      createApiCall(server.url, headers)('projects.update', { body: { id: projectId, description: 'Ours.' } });
    expect((await rename({ cookie, origin: server.url })).status).toBe(200);
    expect((await rename({ cookie, 'sec-fetch-site': 'same-origin' })).status).toBe(200);
    const authorization = `Bearer ${await server.mintToken('anna')}`;
    expect((await rename({ authorization })).status).toBe(200);
    expect((await rename({ authorization, origin: 'https://partner.test' })).status).toBe(200);
  });
});
