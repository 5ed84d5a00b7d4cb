import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Session } from '../../../src/shared/contract/account.ts';
import type { Database } from '../../../src/shared/node/db/database.ts';
import { recordSessionUse } from '../../../src/shared/node/db/sessions-repository.ts';
import { bearer, createApiCall } from '../../support/api-call.ts';
import { mintSession, type MintedSession } from '../../support/mint-session.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { openSocket, type RawSocket } from '../../support/raw-socket.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

const chrome = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';
const firefox = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0';

let database: TestDatabase;
let db: Database;
let server: TestServer;
let otherServer: TestServer;

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  db = openTestDatabase(database.url, { poolSize: 2 });
  const start = (revocationIntervalMs: number) =>
    startTestServer({ databaseUrl: database.url, redisUrl: redis.url, timings: { revocationIntervalMs } });
  // The first server never checks sessions by itself, so it closes sockets only when a call to it ends their session.
  [server, otherServer] = await Promise.all([start(3_600_000), start(100)]);
});
afterAll(async () => {
  await Promise.all([server.stop(), otherServer.stop()]);
  await db.destroy();
  await database.drop();
});

interface Browser extends MintedSession {
  call: ReturnType<typeof createApiCall>;
}

async function signIn(name: string, userAgent: string | null = chrome): Promise<Browser> {
  const session = await mintSession(database.url, { name, userAgent });
  return { ...session, call: createApiCall(server.url, { cookie: session.cookie, origin: server.url }) };
}

async function watching({ cookie }: Browser, at = server): Promise<RawSocket> {
  const socket = await openSocket(at.url, { cookie });
  expect(await socket.subscribe(1)).toMatchObject({ type: 'snapshot' });
  return socket;
}

const listOf = async ({ call }: Pick<Browser, 'call'>) => (await call('sessions.list')).data as Session[];
const statusOf = async ({ call }: Browser) => (await call('auth.me')).status;
const ageMs = (iso: string | undefined) => Date.now() - Date.parse(iso ?? '');

describe('the list of sessions', () => {
  it('shows the own live sessions with a device name, marks the current one, and hides the user agent', async () => {
    const [here, there] = [await signIn('ada'), await signIn('ada', firefox)];
    const [revoked, expired] = [await signIn('ada'), await signIn('ada')];
    await signIn('eve');
    await db('sessions').where({ id: revoked.id }).update({ revoked_at: db.fn.now() });
    await db('sessions').where({ id: expired.id }).update({ expires_at: db.fn.now() });

    const { data, text } = await here.call('sessions.list');
    const listed = data as Session[];
    expect(listed.map(({ id }) => id).toSorted()).toEqual([here.id, there.id].toSorted());
    expect(listed.find(({ id }) => id === here.id)).toMatchObject({ device: 'Chrome on Linux', isCurrent: true });
    expect(listed.find(({ id }) => id === there.id)).toMatchObject({ device: 'Firefox on Windows', isCurrent: false });
    expect(text).not.toContain('Mozilla');
    for (const { createdAt, lastUsedAt, expiresAt } of listed) {
      expect(Math.abs(ageMs(createdAt))).toBeLessThan(60_000);
      expect(lastUsedAt >= createdAt).toBe(true);
      expect(ageMs(expiresAt)).toBeLessThan(-3_000_000);
    }
  });

  it('shows when a session was last used, and a second use within a minute writes nothing', async () => {
    const browser = await signIn('ben');
    const row = () => db('sessions').where({ id: browser.id }).first<{ lastUsedAt: Date; xmin: string }>('*', 'xmin');
    const age = (seconds: number) =>
      db('sessions')
        .where({ id: browser.id })
        .update({ last_used_at: db.raw("now() - ? * interval '1 second'", [seconds]) });

    await age(50);
    const before = await row();
    await Promise.all([statusOf(browser), statusOf(browser)]);
    await recordSessionUse(db, [browser.id]); // every write that the requests started has finished before this one
    expect(await row()).toEqual(before);

    await age(70);
    expect(await Promise.all(Array.from({ length: 10 }, () => statusOf(browser)))).toEqual(Array(10).fill(200));
    await expect.poll(async () => ageMs((await row()).lastUsedAt.toISOString())).toBeLessThan(60_000);
    const noted = await row();
    await Promise.all(Array.from({ length: 5 }, () => recordSessionUse(db, [browser.id])));
    expect(await row()).toEqual(noted);
  });

  it('counts an open socket as use of its session', async () => {
    const browser = await signIn('cid');
    const socket = await watching(browser, otherServer);
    await db('sessions')
      .where({ id: browser.id })
      .update({ last_used_at: db.raw("now() - interval '1 hour'") });
    const lastUsed = async () => (await db('sessions').where({ id: browser.id }).first<Row>()).lastUsedAt;
    await expect.poll(async () => Date.now() - (await lastUsed()).getTime()).toBeLessThan(60_000);
    socket.close();
  });

  it('does not delay requests: while the row is locked all requests are answered, and one write waits', async () => {
    const browser = await signIn('dan');
    await db('sessions')
      .where({ id: browser.id })
      .update({ last_used_at: db.raw("now() - interval '1 hour'") });
    const askOften = () => Promise.all(Array.from({ length: 20 }, () => statusOf(browser)));
    const waiting = async () =>
      (await db('pg_stat_activity').whereRaw("datname = current_database() and wait_event_type = 'Lock'")).length;
    const holder = await db.transaction();
    try {
      await holder('sessions').where({ id: browser.id }).forUpdate();
      expect(await askOften()).toEqual(Array(20).fill(200));
      await expect.poll(waiting, { interval: 10 }).toBe(1);
      expect(await askOften()).toEqual(Array(20).fill(200));
      expect(await waiting()).toBeLessThanOrEqual(1);
    } finally {
      await holder.rollback();
    }
  });
});

interface Row {
  lastUsedAt: Date;
  revokedAt: Date | null;
}

describe('ending a session', () => {
  it('closes its sockets with 4401 at once and refuses its next request, and other sessions continue', async () => {
    const [here, there, stranger] = [await signIn('fay'), await signIn('fay'), await signIn('gus')];
    const [hereSocket, thereSocket, second, strangerSocket] = [
      await watching(here),
      await watching(there),
      await watching(there),
      await watching(stranger),
    ];
    const answer = await here.call('sessions.revoke', { body: { id: there.id } });
    expect([answer.status, answer.data]).toEqual([200, { ids: [there.id] }]);
    expect([await thereSocket.closed, await second.closed]).toEqual([4401, 4401]);
    expect(await statusOf(there)).toBe(401);
    expect((await listOf(here)).map(({ id }) => id)).toEqual([here.id]);
    for (const socket of [hereSocket, strangerSocket]) {
      expect(await socket.subscribe(2)).toMatchObject({ type: 'snapshot' });
      socket.close();
    }
  });

  it('closes its sockets on another server within the interval', async () => {
    const [here, there] = [await signIn('hal'), await signIn('hal')];
    const [hereSocket, thereSocket] = [await watching(here, otherServer), await watching(there, otherServer)];
    await here.call('sessions.revoke', { body: { id: there.id } });
    expect(await thereSocket.closed).toBe(4401);
    expect(await hereSocket.subscribe(2)).toMatchObject({ type: 'snapshot' });
    hereSocket.close();
  });

  it('may be repeated, and may end the current session', async () => {
    const [here, there] = [await signIn('ivy'), await signIn('ivy')];
    for (const id of [there.id, there.id, here.id]) {
      expect((await here.call('sessions.revoke', { body: { id } })).status).toBe(200);
    }
    expect(await statusOf(here)).toBe(401);
  });

  it('of another user is NOT_FOUND, as for an unknown id, and ends nothing', async () => {
    const [thief, owner] = [await signIn('joe'), await signIn('kim')];
    const socket = await watching(owner);
    const [theirs, nobodys] = await Promise.all(
      [owner.id, randomUUID()].map((id) => thief.call('sessions.revoke', { body: { id } })),
    );
    expect([theirs?.status, theirs?.error?.data['appCode']]).toEqual([404, 'NOT_FOUND']);
    expect(theirs?.text).toBe(nobodys?.text);
    expect(await statusOf(owner)).toBe(200);
    expect(await socket.subscribe(2)).toMatchObject({ type: 'snapshot' });
    socket.close();
  });
});

describe('ending many sessions', () => {
  it('ends all other sessions, but not the current one', async () => {
    const [here, second, third, stranger] = [
      await signIn('lea'),
      await signIn('lea'),
      await signIn('lea'),
      await signIn('max'),
    ];
    const [hereSocket, secondSocket, strangerSocket] = [
      await watching(here),
      await watching(second),
      await watching(stranger),
    ];
    const { data } = await here.call('sessions.revokeOthers', { body: {} });
    expect((data as { ids: string[] }).ids.toSorted()).toEqual([second.id, third.id].toSorted());
    expect(await secondSocket.closed).toBe(4401);
    expect(await Promise.all([here, second, third, stranger].map(statusOf))).toEqual([200, 401, 401, 200]);
    for (const socket of [hereSocket, strangerSocket]) {
      expect(await socket.subscribe(2)).toMatchObject({ type: 'snapshot' });
      socket.close();
    }
    expect((await here.call('sessions.revokeOthers', { body: {} })).data).toEqual({ ids: [] });
  });

  it('ends all sessions, including the current one', async () => {
    const [here, there, stranger] = [await signIn('ned'), await signIn('ned'), await signIn('ona')];
    const sockets = [await watching(here), await watching(there)];
    const { data } = await here.call('sessions.revokeAll', { body: {} });
    expect((data as { ids: string[] }).ids.toSorted()).toEqual([here.id, there.id].toSorted());
    expect(await Promise.all(sockets.map((socket) => socket.closed))).toEqual([4401, 4401]);
    expect(await Promise.all([here, there, stranger].map(statusOf))).toEqual([401, 401, 200]);
  });
});

it('a token may list the sessions of its owner, but not end them', async () => {
  const browser = await signIn('pam');
  const token = createApiCall(server.url, bearer(await server.mintToken('pam')));
  expect(await listOf({ call: token })).toMatchObject([{ id: browser.id, isCurrent: false }]);
  for (const [name, body] of [
    ['sessions.revoke', { id: browser.id }],
    ['sessions.revokeOthers', {}],
    ['sessions.revokeAll', {}],
  ] as const) {
    const answer = await token(name, { body });
    expect([name, answer.status, answer.error?.data['appCode']]).toEqual([name, 403, 'FORBIDDEN']);
  }
  expect(await statusOf(browser)).toBe(200);
});
