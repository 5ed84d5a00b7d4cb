/** Administrators: who is one, what they see and do, and what the audit log keeps of everybody. */

import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { insertAccessToken } from '../../../src/shared/node/db/access-tokens-repository.ts';
import { appendAuditEntry, pruneAuditEntries } from '../../../src/shared/node/db/audit-repository.ts';
import type { Database } from '../../../src/shared/node/db/database.ts';
import { addModelUsage } from '../../../src/shared/node/db/model-usage-repository.ts';
import { upsertUser } from '../../../src/shared/node/db/users-repository.ts';
import { createClient, type Client } from '../../../src/shared/sdk/client.ts';
import { readAllRows, readRowsButAudit } from '../../support/all-rows.ts';
import { bearer, createApiCall } from '../../support/api-call.ts';
import { inputWith } from '../../support/made-up-input.ts';
import { mintSession } from '../../support/mint-session.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { procedures } from '../../support/procedures.ts';
import { openSocket } from '../../support/raw-socket.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { testIssuer } from '../../support/test-issuer.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

let database: TestDatabase;
let db: Database;
let server: TestServer;
let boss: Client;
let member: Client;
let memberToken: string;
const clients: Client[] = [];

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  db = openTestDatabase(database.url, { poolSize: 2 });
  server = await startTestServer({
    databaseUrl: database.url,
    redisUrl: redis.url,
    env: { ADMIN_EMAILS: 'somebody@example.test, Boss@Example.test', ADMIN_GROUP: 'operators' },
  });
  memberToken = await server.mintToken('member');
  [boss, member] = [await signIn('boss'), connect(memberToken)];
  await member.trpc.auth.me.query(); // the first use of a token is recorded
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await server.stop();
  await db.destroy();
  await database.drop();
});

function connect(token: string): Client {
  const client = createClient({ url: server.url, token });
  clients.push(client);
  return client;
}

const signIn = async (name: string): Promise<Client> => connect(await server.mintToken(name));
const ofAdmins = procedures.filter(({ name }) => name.startsWith('admin.') && name !== 'admin.notice');
const newestEntries = async (search: string) => (await boss.trpc.admin.audit.query({ search })).items;

describe('an administrator', () => {
  it.each(ofAdmins)('is the only one who can call $name, and others change nothing', async (procedure) => {
    const before = await readRowsButAudit(db);
    const call = createApiCall(server.url, bearer(memberToken));
    const input = inputWith(procedure, { id: randomUUID() });
    const { status, error } = await call(
      procedure.name,
      procedure.type === 'query' ? { input } : { body: input ?? {} },
    );
    expect([status, error?.data?.appCode]).toEqual([403, 'FORBIDDEN']);
    expect(await readRowsButAudit(db)).toEqual(before);
  });

  const facts = { issuer: testIssuer, picture: null };
  it.each([
    ['has a confirmed address of ADMIN_EMAILS', { email: 'SOMEBODY@example.test', emailVerified: true }, true],
    ['has such an address that is not confirmed', { email: 'somebody@example.test', emailVerified: false }, false],
    ['has another address', { email: 'somebody@example.test.evil', emailVerified: true }, false],
    ['is in ADMIN_GROUP', { email: null, adminGroup: 'operators' }, true],
    ['was in a group that ADMIN_GROUP named before', { email: null, adminGroup: 'former' }, false],
  ])('is who %s', async (_, identity, expected) => {
    const name = randomUUID();
    const { id: userId } = await upsertUser(db, { ...facts, ...identity, subject: name, name });
    const { token } = await insertAccessToken(db, { userId, name: 'test', expiresAt: null });
    expect(await connect(token).trpc.auth.me.query()).toMatchObject({ name, isAdministrator: expected });
  });

  it('sees people page by page, each once, and finds them by a part of the name or the address', async () => {
    const prefix = `page-${randomUUID()}`;
    for (let number = 0; number < 53; number += 1) {
      await upsertUser(db, { ...facts, subject: `${prefix}-${number}`, email: null, name: `${prefix} ${number % 3}` });
    }
    const first = await boss.trpc.admin.people.query({ search: prefix });
    const second = await boss.trpc.admin.people.query({ search: prefix, cursor: first.nextCursor });
    expect([first.items.length, second.items.length, second.nextCursor]).toEqual([50, 3, null]);
    expect(new Set([...first.items, ...second.items].map(({ id }) => id)).size).toBe(53);
    expect((await boss.trpc.admin.people.query({ search: 'MEMBER@' })).items).toMatchObject([
      { name: 'member', isAdministrator: false, accessTokens: 1 },
    ]);
    // The characters of patterns stand for themselves.
    expect((await boss.trpc.admin.people.query({ search: '%' })).items).toEqual([]);
    await expect(boss.trpc.admin.people.query({ cursor: 'nonsense' })).rejects.toMatchObject({
      data: { appCode: 'VALIDATION_FAILED' },
    });
  });

  it('sees the projects of everybody, and stops one: its owner reads who did it', async () => {
    const { id } = await member.projects.create({ name: 'Heavy' });
    const { items } = await boss.trpc.admin.projects.query({ search: 'heavy' });
    expect(items).toMatchObject([{ id, name: 'Heavy', ownerName: 'member', desiredState: 'running' }]);
    expect((await boss.trpc.admin.projects.query({ search: 'heavy', status: 'stopped' })).items).toEqual([]);
    await expect(boss.projects.get(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await boss.trpc.admin.stopProject.mutate({ id });
    expect(await member.projects.get(id)).toMatchObject({ desiredState: 'stopped' });
    const { items: lines } = await member.projects.activity(id);
    expect(lines[0]?.message).toContain('boss, an administrator, stopped the project');
    await expect(boss.trpc.admin.stopProject.mutate({ id: randomUUID() })).rejects.toMatchObject({
      data: { appCode: 'NOT_FOUND' },
    });
  });

  it('signs somebody out: open sockets close, and with their consent the access tokens end too', async () => {
    const name = randomUUID();
    const token = await server.mintToken(name);
    const socket = await openSocket(server.url, { token });
    const person = (await boss.trpc.admin.people.query({ search: name })).items[0];
    const id = person?.id ?? '';
    expect(await boss.trpc.admin.endSessions.mutate({ id })).toEqual({ sessions: 0, accessTokens: 0 });
    expect(await connect(token).trpc.auth.me.query()).toMatchObject({ name });
    expect(await boss.trpc.admin.endSessions.mutate({ id, alsoTokens: true })).toEqual({
      sessions: 0,
      accessTokens: 1,
    });
    await socket.closed;
    await expect(connect(token).trpc.auth.me.query()).rejects.toMatchObject({ data: { appCode: 'UNAUTHENTICATED' } });
  });

  it('signs somebody out: the group of administrators and the confirmed login of a computer count no more', async () => {
    const name = randomUUID();
    const session = await mintSession(database.url, { name });
    const other = await upsertUser(db, {
      issuer: testIssuer,
      subject: name,
      email: `${name}@example.test`,
      emailVerified: true,
      name,
      picture: null,
      adminGroup: 'operators',
    });
    const { token } = await insertAccessToken(db, { userId: other.id, name: 'test', expiresAt: null });
    const client = connect(token);
    expect(await client.trpc.auth.me.query()).toMatchObject({ isAdministrator: true });
    const { deviceCode, userCode } = await client.trpc.devices.start.mutate({ name: 'stolen' });
    const browser = createApiCall(server.url, { cookie: session.cookie, origin: server.url });
    expect((await browser('devices.confirm', { body: { userCode } })).status).toBe(200);

    await boss.trpc.admin.endSessions.mutate({ id: other.id });
    expect(await client.trpc.auth.me.query()).toMatchObject({ isAdministrator: false });
    await boss.trpc.admin.endSessions.mutate({ id: other.id, alsoTokens: true });
    expect(await member.trpc.devices.poll.mutate({ deviceCode })).toEqual({ status: 'expired_token' });
  });

  it('sees what everybody has used', async () => {
    const user = await upsertUser(db, { ...facts, subject: 'spender', email: null, name: 'spender' });
    const { id: projectId } = await member.projects.create({ name: 'Spending' });
    const counts = {
      requests: 1,
      unmeasuredRequests: 0,
      unpricedRequests: 0,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
    };
    await addModelUsage(db, {
      ...counts,
      userId: user.id,
      projectId,
      runId: null,
      provider: 'anthropic',
      model: 'm',
      keyOwner: 'installation',
      inputTokens: 900,
      outputTokens: 100,
      costMicros: 2_000_000,
    });
    const usage = await boss.trpc.admin.usage.query({ days: 1 });
    expect(usage.byPerson).toMatchObject([{ name: 'spender', inputTokens: 900, outputTokens: 100, cost: 2 }]);
    expect(usage.total).toMatchObject({ requests: 1, cost: 2 });
    expect(usage.people).toBeGreaterThan(2);
    expect(usage.projects.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(0);
  });
});

describe('while the administrators let no project start', () => {
  it('creates, starts and restarts are refused and say why, and what runs can be stopped', async () => {
    const { id } = await member.projects.create({ name: 'Before' });
    const stopped = await member.projects.create({ name: 'Stopped before' });
    await member.projects.stop(stopped.id);
    await boss.trpc.admin.setNotice.mutate({ announcement: 'We upgrade until noon.', isDraining: true });
    try {
      expect(await member.trpc.admin.notice.query()).toEqual({
        announcement: 'We upgrade until noon.',
        isDraining: true,
      });
      for (const attempt of [
        member.projects.create({ name: 'During' }),
        member.projects.start(stopped.id),
        member.projects.restart(id),
      ]) {
        await expect(attempt).rejects.toMatchObject({
          code: 'ILLEGAL_STATE',
          message: expect.stringMatching(/let no project start.*We upgrade until noon/) as string,
        });
      }
      expect((await member.projects.list()).items.map(({ name }) => name)).not.toContain('During');
      expect(await member.projects.start(id)).toMatchObject({ desiredState: 'running' }); // it runs already
      expect(await member.projects.stop(id)).toMatchObject({ desiredState: 'stopped' });
    } finally {
      await boss.trpc.admin.setNotice.mutate({ announcement: null, isDraining: false });
    }
    expect(await member.projects.start(id)).toMatchObject({ desiredState: 'running' });
  });
});

describe('the audit log', () => {
  it('keeps each change that somebody has made or tried, with what it was about', async () => {
    const { id } = await member.projects.create({ name: 'Audited' });
    await member.projects.delete(id);
    await expect(member.trpc.admin.stopProject.mutate({ id })).rejects.toThrow();
    await member.projects.list();
    const entries = await newestEntries(id);
    expect(entries.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
      'admin.stopProject FORBIDDEN',
      'projects.delete done',
      'projects.create done',
    ]);
    for (const entry of entries) {
      expect(entry).toMatchObject({ actor: 'member (member@example.test)', via: 'token', details: { id } });
      expect(entry.requestId).not.toBe('');
    }
  });

  it('keeps which computer got a token by a login, and nothing of an input that is not valid', async () => {
    const session = await mintSession(database.url, { name: 'member' });
    const { deviceCode, userCode } = await member.trpc.devices.start.mutate({ name: 'laptop-7' });
    const browser = createApiCall(server.url, { cookie: session.cookie, origin: server.url });
    await browser('devices.confirm', { body: { userCode } });
    const polled = await member.trpc.devices.poll.mutate({ deviceCode });
    expect(polled).toMatchObject({ status: 'complete' });
    expect(await newestEntries('laptop-7')).toMatchObject([
      { action: 'tokens.create', actor: 'member (member@example.test)', details: { computer: 'laptop-7' } },
    ]);
    const call = createApiCall(server.url, bearer(memberToken));
    const { status } = await call('projects.stop', { body: { id: 'planted-nonsense', path: 'planted-path' } });
    expect(status).toBe(400);
    expect(await newestEntries('planted')).toEqual([]);
  });

  it('keeps no text that people write, no key and no token', async () => {
    const marks = ['planted-name', 'planted-key-0123456789', 'planted-title', 'planted-prompt'];
    const { token } = await member.trpc.tokens.create.mutate({ name: 'planted-name' });
    await member.models.setKey({ provider: 'anthropic', key: 'planted-key-0123456789' }).catch(() => undefined);
    const { id: projectId } = await member.projects.create({ name: 'Talkative' });
    const task = await member.tasks.create({ projectId, title: 'planted-title', description: 'planted-prompt' });
    await member.runs.start({ taskId: task.id, prompt: 'planted-prompt', idempotencyKey: randomUUID() });
    const rows = (await readAllRows(db)).filter((row) => row.includes('audit_entries'));
    expect(rows.some((row) => row.includes('models.setKey'))).toBe(true);
    expect(rows.some((row) => row.includes(task.id))).toBe(true);
    for (const mark of [...marks, token]) expect(rows.filter((row) => row.includes(mark))).toEqual([]);
  });

  it('is read page by page, each entry once, also while entries are added', async () => {
    const action = `test.${randomUUID()}`;
    const user = await upsertUser(db, { issuer: testIssuer, subject: 'a', email: null, name: 'a', picture: null });
    const entry = { actorId: user.id, actor: 'a', via: 'session', action, outcome: 'done', details: {} } as const;
    for (let number = 0; number < 5; number += 1) await appendAuditEntry(db, { ...entry, requestId: String(number) });
    const page = await boss.trpc.admin.audit.query({ search: action, limit: 2 });
    await appendAuditEntry(db, { ...entry, requestId: 'late' });
    const found = [...page.items];
    for (let { nextCursor } = page; nextCursor !== null;) {
      const next = await boss.trpc.admin.audit.query({ search: action, limit: 2, cursor: nextCursor });
      found.push(...next.items);
      nextCursor = next.nextCursor;
    }
    expect(found.map(({ requestId }) => requestId)).toEqual(['4', '3', '2', '1', '0']);
  });

  it('loses entries that are older than AUDIT_DAYS, and no others', async () => {
    const action = `old.${randomUUID()}`;
    const user = await upsertUser(db, { issuer: testIssuer, subject: 'a', email: null, name: 'a', picture: null });
    const entry = {
      actorId: user.id,
      actor: 'a',
      via: 'session',
      outcome: 'done',
      details: {},
      requestId: '1',
    } as const;
    await appendAuditEntry(db, { ...entry, action: `${action}.kept` });
    await appendAuditEntry(db, { ...entry, action: `${action}.gone` });
    await db('audit_entries')
      .where({ action: `${action}.gone` })
      .update({ at: db.raw("now() - interval '31 days'") });
    expect(await pruneAuditEntries(db, { days: 30, limit: 10 })).toBe(1);
    expect((await newestEntries(action)).map((each) => each.action)).toEqual([`${action}.kept`]);
  });
});
