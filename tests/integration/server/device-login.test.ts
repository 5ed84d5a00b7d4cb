/** The login of a computer: every state, every race, and what a stranger may not do. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { createDeviceLoginService, createDeviceService } from '../../../src/server/devices/service.ts';
import type { DeviceLoginService, DeviceService, SessionCaller } from '../../../src/server/services.ts';
import type { PolledDeviceLogin } from '../../../src/shared/contract/device-login.ts';
import { findUserByAccessToken } from '../../../src/shared/node/db/access-tokens-repository.ts';
import type { Database } from '../../../src/shared/node/db/database.ts';
import { pruneDeviceLogins } from '../../../src/shared/node/db/device-logins-repository.ts';
import { upsertUser } from '../../../src/shared/node/db/users-repository.ts';
import { bearer, createApiCall } from '../../support/api-call.ts';
import { mintSession } from '../../support/mint-session.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { createTestClock, type TestClock } from '../../support/test-clock.ts';
import { testIssuer } from '../../support/test-issuer.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

let database: TestDatabase;
let db: Database;
let clock: TestClock;
let computers: DeviceLoginService;
let people: DeviceService;
let anna: SessionCaller;
let bert: SessionCaller;

const publicOrigin = () => 'https://product.test';

async function personCalled(name: string): Promise<SessionCaller> {
  const user = await upsertUser(db, { issuer: testIssuer, subject: name, email: null, name, picture: null });
  return { user, requestId: 'test', credential: { kind: 'session', id: crypto.randomUUID(), expiresAt: null } };
}

beforeAll(async () => {
  database = await createTestDatabase();
  db = openTestDatabase(database.url, { poolSize: 4 });
  [anna, bert] = [await personCalled('anna'), await personCalled('bert')];
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});
beforeEach(async () => {
  await db('device_logins').delete();
  await db('access_tokens').delete();
  clock = createTestClock(Date.now()); // tokens expire by the clock of the database
  computers = createDeviceLoginService({ db, publicOrigin, clock });
  people = createDeviceService({ db, clock });
});

const start = (name = 'laptop') => computers.start({ address: '192.0.2.7', name });
/** A poll at the right time. */
async function poll({ deviceCode }: { deviceCode: string }, afterMs = 5_000): Promise<PolledDeviceLogin> {
  clock.advance(afterMs);
  return computers.poll({ deviceCode, requestId: 'test' });
}
const noSuchCode = { code: 'NOT_FOUND', message: expect.stringMatching(/No computer waits with this code/) };
const tokens = () => db('access_tokens').select<{ name: string; userId: string; expiresAt: Date }[]>();

describe('the login of a computer', () => {
  it('gives the computer a secret, and the person a code of eight letters that cannot be confused', async () => {
    const started = await start();
    expect(started).toMatchObject({ verificationUri: 'https://product.test/device', expiresIn: 600, interval: 5 });
    expect(started.userCode).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
    expect(started.verificationUriComplete).toBe(`https://product.test/device?code=${started.userCode}`);
    expect(JSON.stringify(await db('device_logins').select())).not.toContain(started.deviceCode);
  });

  it('ends with a token of the person who has confirmed it, which lives for 90 days and has the name of the computer', async () => {
    const started = await start('build-7');
    expect(await poll(started)).toEqual({ status: 'authorization_pending', interval: 5 });
    expect(await people.find(anna, started.userCode)).toEqual({
      userCode: started.userCode,
      name: 'build-7',
      address: '192.0.2.7',
      startedAt: expect.any(String) as string,
    });
    expect(await people.confirm(anna, started.userCode.toLowerCase().replace('-', ' '))).toEqual({});
    const polled = await poll(started);
    if (polled.status !== 'complete') throw new Error(polled.status);
    expect((await findUserByAccessToken(db, polled.token))?.user.id).toBe(anna.user.id);
    const [token] = await tokens();
    expect(token).toMatchObject({ name: 'opm on build-7', userId: anna.user.id });
    expect((token?.expiresAt.getTime() ?? 0) - clock.now()).toBe(90 * 24 * 60 * 60 * 1_000);
    expect(JSON.stringify([await tokens(), await db('device_logins').select()])).not.toContain(polled.token);
  });

  it('gives the token once', async () => {
    const started = await start();
    await people.confirm(anna, started.userCode);
    expect(await poll(started)).toMatchObject({ status: 'complete' });
    expect(await poll(started)).toEqual({ status: 'expired_token' });
    await expect(people.find(anna, started.userCode)).rejects.toMatchObject(noSuchCode);
    expect(await tokens()).toHaveLength(1);
  });

  it('gives the token to one of several polls at the same time', async () => {
    const started = await start();
    await people.confirm(anna, started.userCode);
    clock.advance(5_000);
    const polls = await Promise.all(Array.from({ length: 4 }, () => computers.poll({ ...started, requestId: 'test' })));
    expect(polls.filter(({ status }) => status === 'complete')).toHaveLength(1);
    expect(polls.filter(({ status }) => status === 'expired_token')).toHaveLength(3);
    expect(await tokens()).toHaveLength(1);
  });

  it('gives the token to nobody who has another secret, whoever confirms', async () => {
    const [mine, theirs] = [await start('mine'), await start('theirs')];
    await people.confirm(anna, mine.userCode);
    expect(await poll(theirs)).toMatchObject({ status: 'authorization_pending' });
    expect(await poll({ deviceCode: mine.userCode })).toEqual({ status: 'expired_token' });
    expect(await poll(mine)).toMatchObject({ status: 'complete' });
  });

  it('is decided once: of two people who confirm at the same time one wins', async () => {
    const started = await start();
    const decisions = await Promise.allSettled([
      people.confirm(anna, started.userCode),
      people.confirm(bert, started.userCode),
    ]);
    const refused = decisions.filter((decision) => decision.status === 'rejected');
    expect(refused).toEqual([{ status: 'rejected', reason: expect.objectContaining(noSuchCode) as unknown }]);
    const winner = decisions[0]?.status === 'fulfilled' ? anna : bert;
    expect(await poll(started)).toMatchObject({ status: 'complete' });
    expect(await tokens()).toMatchObject([{ userId: winner.user.id }]);
  });

  it('never loses a confirmation that comes during a poll', async () => {
    for (let round = 0; round < 8; round += 1) {
      clock.advance(60_000); // for the limits of people and addresses
      const started = await start();
      const [first] = await Promise.all([
        computers.poll({ ...started, requestId: 'test' }),
        people.confirm(anna, started.userCode),
      ]);
      const last = first.status === 'complete' ? first : await poll(started);
      expect(last.status).toBe('complete');
    }
    expect(await tokens()).toHaveLength(8);
  });

  it('ends when the person refuses, and a refused code cannot be confirmed', async () => {
    const started = await start();
    await people.refuse(anna, started.userCode);
    await expect(people.confirm(anna, started.userCode)).rejects.toMatchObject(noSuchCode);
    expect(await poll(started)).toEqual({ status: 'access_denied' });
    expect(await poll(started)).toEqual({ status: 'expired_token' });
    expect(await tokens()).toEqual([]);
  });

  it('ends after ten minutes, also when it was confirmed before, and its row is deleted', async () => {
    const [confirmed, waiting] = [await start(), await start()];
    await people.confirm(anna, confirmed.userCode);
    clock.advance(599_999);
    expect(await people.find(anna, waiting.userCode)).toMatchObject({ name: 'laptop' });
    clock.advance(1);
    await expect(people.find(anna, waiting.userCode)).rejects.toMatchObject(noSuchCode);
    await expect(people.confirm(anna, waiting.userCode)).rejects.toMatchObject(noSuchCode);
    await expect(people.refuse(anna, waiting.userCode)).rejects.toMatchObject(noSuchCode);
    for (const started of [confirmed, waiting]) expect(await poll(started, 0)).toEqual({ status: 'expired_token' });
    expect(await tokens()).toEqual([]);
    await pruneDeviceLogins(db, { now: new Date(clock.now() - 1) });
    expect(await db('device_logins').select()).toHaveLength(2);
    await pruneDeviceLogins(db, { now: new Date(clock.now()) });
    expect(await db('device_logins').select()).toEqual([]);
  });

  it('slows a computer down that asks too often, for each time longer', async () => {
    const started = await start();
    expect(await poll(started, 0)).toEqual({ status: 'authorization_pending', interval: 5 });
    expect(await poll(started, 4_999)).toEqual({ status: 'slow_down', interval: 10 });
    expect(await poll(started, 9_999)).toEqual({ status: 'slow_down', interval: 15 });
    expect(await poll(started, 15_000)).toEqual({ status: 'authorization_pending', interval: 15 });
  });

  it('chooses another code when a computer has this one already', async () => {
    const codes = ['BBBBBBBB', 'BBBBBBBB', 'CCCCCCCC'];
    computers = createDeviceLoginService({
      db,
      publicOrigin,
      clock,
      randomUserCode: () => codes.shift() ?? 'BBBBBBBB',
    });
    expect([(await start()).userCode, (await start()).userCode]).toEqual(['BBBB-BBBB', 'CCCC-CCCC']);
    await expect(start()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('lets a person try eight codes a minute', async () => {
    const started = await start();
    for (let guess = 0; guess < 8; guess += 1) {
      await expect(people.find(anna, `BCDFGHJ${'KLMNPQRS'[guess]}`)).rejects.toMatchObject(noSuchCode);
    }
    const decide = [people.find, people.confirm, people.refuse];
    for (const each of decide)
      await expect(each(anna, started.userCode)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    expect(await people.find(bert, started.userCode)).toMatchObject({ name: 'laptop' });
    clock.advance(60_000);
    expect(await people.find(anna, started.userCode)).toMatchObject({ name: 'laptop' });
  });

  it('is decided in a browser, not with a token', async () => {
    const started = await start();
    const byToken: SessionCaller = { ...anna, credential: { kind: 'token', id: crypto.randomUUID(), expiresAt: null } };
    for (const each of [people.find, people.confirm, people.refuse]) {
      await expect(each(byToken, started.userCode)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    }
    expect(await poll(started)).toMatchObject({ status: 'authorization_pending' });
  });

  it('may be started ten times a minute from one address', async () => {
    for (let count = 0; count < 10; count += 1) await start();
    await expect(start()).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    expect(await computers.start({ address: '198.51.100.1', name: 'elsewhere' })).toMatchObject({ interval: 5 });
    clock.advance(60_000);
    expect(await start()).toMatchObject({ interval: 5 });
  });
});

describe('over HTTP', () => {
  let server: TestServer;
  beforeAll(async () => {
    const redis = await createTestRedis();
    server = await startTestServer({ databaseUrl: database.url, redisUrl: redis.url });
  });
  afterAll(() => server.stop());

  it('what has expired is deleted without a further login', async () => {
    await start('waiting');
    clock = createTestClock(Date.now() - 600_000);
    computers = createDeviceLoginService({ db, publicOrigin, clock });
    await start('expired');
    const other = await startTestServer({ databaseUrl: database.url, redisUrl: (await createTestRedis()).url });
    try {
      await expect.poll(() => db('device_logins').select('name')).toEqual([{ name: 'waiting' }]);
    } finally {
      await other.stop();
    }
  });

  it('a computer logs in without a credential, and a GET decides nothing', async () => {
    const computer = createApiCall(server.url);
    const { data } = await computer('devices.start', { body: { name: 'laptop' } });
    const { deviceCode, userCode } = data as { deviceCode: string; userCode: string };
    const { cookie } = await mintSession(database.url, { name: 'carl' });
    const browser = createApiCall(server.url, { cookie, origin: server.url });
    for (const name of ['devices.confirm', 'devices.refuse']) {
      expect((await browser(name, { method: 'GET', input: { userCode } })).status).toBe(405);
    }
    expect((await computer('devices.confirm', { body: { userCode } })).status).toBe(401);
    expect((await browser('devices.find', { input: { userCode } })).data).toMatchObject({ address: '127.0.0.1' });
    expect((await browser('devices.confirm', { body: { userCode } })).status).toBe(200);
    const { token } = (await computer('devices.poll', { body: { deviceCode } })).data as { token: string };
    const call = createApiCall(server.url, bearer(token));
    expect((await call('auth.me')).data).toMatchObject({ name: 'carl' });
    const listed = (await browser('tokens.list')).data as { id: string; name: string }[];
    expect(listed).toMatchObject([{ name: 'opm on laptop' }]);
    await browser('tokens.revoke', { body: { id: listed[0]?.id } });
    expect((await call('auth.me')).status).toBe(401);
  });
});
