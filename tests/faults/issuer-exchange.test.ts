import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { Database } from '../../src/shared/node/db/database.ts';
import { accessTokenClaims } from '../support/access-token-claims.ts';
import { bearer, createApiCall } from '../support/api-call.ts';
import { createCookieBrowser } from '../support/cookie-browser.ts';
import { openTestDatabase } from '../support/open-test-database.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../support/scripted-issuer.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../support/services.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

/** Both issuers send everybody back as this subject. */
const subject = 'anna';
let redisUrl: string;
let before: ScriptedIssuer;
let after: ScriptedIssuer;
let database: TestDatabase;
let db: Database;
let server: TestServer | null = null;

beforeAll(async () => {
  redisUrl = (await createTestRedis()).url;
  [before, after] = [await startScriptedIssuer({ subject }), await startScriptedIssuer({ subject })];
});
afterAll(async () => {
  await before.goAway();
  await after.goAway();
});
beforeEach(async () => {
  database = await createTestDatabase();
  db = openTestDatabase(database.url, { poolSize: 2 });
});
afterEach(async () => {
  await server?.stop();
  server = null;
  await db.destroy();
  await database.drop();
});

/** Stops the running server, and starts one that uses this issuer. */
async function restartWith(OIDC_ISSUER: string): Promise<TestServer> {
  await server?.stop();
  server = await startTestServer({ databaseUrl: database.url, redisUrl, env: { OIDC_ISSUER } });
  return server;
}

type Call = ReturnType<typeof createApiCall>;

async function signIn({ url }: TestServer): Promise<Call> {
  const browser = createCookieBrowser();
  await browser.open(`${url}/auth/login`);
  return createApiCall(url, { cookie: browser.cookiesFor(url), origin: url });
}

async function withBearerToken({ url }: TestServer, issuer: ScriptedIssuer): Promise<Call> {
  const claims = accessTokenClaims({ issuer: issuer.url, audience: 'test-client', nowMs: Date.now() });
  return createApiCall(url, bearer(await issuer.sign({ ...claims, sub: subject }, { typ: 'at+jwt' })));
}

const create = async (call: Call, name: string) =>
  expect((await call('projects.create', { body: { name } })).status).toBe(200);

async function namesOf(call: Call): Promise<string[]> {
  const { data } = await call('projects.list', { input: {} });
  return (data as { items: { name: string }[] }).items.map(({ name }) => name); // an answer of projects.list
}

describe('fault 43: the issuer is exchanged for another that uses the same subjects', () => {
  it("the same subject of another issuer gets nobody else's projects, by sign-in and by token", async () => {
    const first = await restartWith(before.url);
    await create(await signIn(first), 'Of the first');
    expect(await namesOf(await withBearerToken(first, before))).toEqual(['Of the first']);

    const second = await restartWith(after.url);
    expect(await namesOf(await withBearerToken(second, after))).toEqual([]);
    const stranger = await signIn(second);
    expect(await namesOf(stranger)).toEqual([]);
    await create(stranger, 'Of the second');

    expect(await namesOf(await signIn(await restartWith(before.url)))).toEqual(['Of the first']);
  });

  it('people from before the upgrade belong to the issuer of the first start, also when they sign in later', async () => {
    await create(await signIn(await restartWith(before.url)), 'From before');
    await db('users').update({ oidc_issuer: null });

    await restartWith(before.url);
    expect(await namesOf(await signIn(await restartWith(after.url)))).toEqual([]);
    expect(await namesOf(await signIn(await restartWith(before.url)))).toEqual(['From before']);
  });

  it('an issuer that differs only by a slash at the end is the same issuer', async () => {
    await create(await signIn(await restartWith(before.url)), 'Same');
    expect(await namesOf(await signIn(await restartWith(`${before.url}/`)))).toEqual(['Same']);
  });

  it('the step of the runbook gives people to the new issuer, and tells when the new one already knows somebody', async () => {
    await create(await signIn(await restartWith(before.url)), 'Moved');
    const move = () => db('users').where({ oidc_issuer: before.url }).update({ oidc_issuer: after.url });
    await move();
    expect(await namesOf(await signIn(await restartWith(after.url)))).toEqual(['Moved']);

    await signIn(await restartWith(before.url));
    await expect(move()).rejects.toMatchObject({ code: '23505' });
  });
});
