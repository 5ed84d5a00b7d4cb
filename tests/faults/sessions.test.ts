import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createSession } from '../../src/client/auth/session.ts';
import type { Database } from '../../src/shared/node/db/database.ts';
import { safeReturnTo } from '../../src/shared/safe-return-to.ts';
import { createApiCall } from '../support/api-call.ts';
import { createCookieBrowser, type CookieBrowser } from '../support/cookie-browser.ts';
import { openTestDatabase } from '../support/open-test-database.ts';
import { openSocket, type RawSocket } from '../support/raw-socket.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../support/scripted-issuer.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../support/services.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

let database: TestDatabase;
let db: Database;
let issuer: ScriptedIssuer;
let server: TestServer;
let otherServer: TestServer;

beforeAll(async () => {
  const redis = await createTestRedis();
  [database, issuer] = await Promise.all([createTestDatabase(), startScriptedIssuer()]);
  db = openTestDatabase(database.url, { poolSize: 2 });
  const start = (revocationIntervalMs: number) =>
    startTestServer({
      databaseUrl: database.url,
      redisUrl: redis.url,
      env: { OIDC_ISSUER: issuer.url },
      timings: { revocationIntervalMs },
    });
  // The first server never checks sessions by itself, so it closes only the sockets of sign-outs on this server.
  [server, otherServer] = await Promise.all([start(3_600_000), start(100)]);
});
afterAll(async () => {
  await Promise.all([server.stop(), otherServer.stop()]);
  await issuer.goAway();
  await db.destroy();
  await database.drop();
});

async function signIn(): Promise<CookieBrowser> {
  const browser = createCookieBrowser();
  await browser.open(`${server.url}/auth/login`);
  return browser;
}

const callAs = (browser: CookieBrowser, at = server) =>
  createApiCall(at.url, { cookie: browser.cookiesFor(server.url), origin: at.url });

async function watching(browser: CookieBrowser, at = server): Promise<RawSocket> {
  const socket = await openSocket(at.url, { cookie: browser.cookiesFor(server.url) });
  expect(await socket.subscribe(1)).toMatchObject({ type: 'snapshot' });
  return socket;
}

const signOut = (browser: CookieBrowser, at: TestServer) =>
  fetch(`${at.url}/auth/logout`, {
    method: 'POST',
    headers: { cookie: browser.cookiesFor(server.url), accept: 'application/json', origin: at.url },
  });

/** The id of the session in the cookie. */
function sessionIdOf(browser: CookieBrowser): string {
  const [, claims = ''] = /opencode-session=[^.]+\.([^.]+)/.exec(browser.cookiesFor(server.url)) ?? [];
  return (JSON.parse(Buffer.from(claims, 'base64url').toString()) as { sid: string }).sid; // our server made it
}

describe('fault 20: a session expires or is revoked on an open socket', () => {
  it('when a session expires, its socket is closed with 4401, and the session is refused afterwards', async () => {
    const [browser, other] = [await signIn(), await signIn()];
    const lifeMs = 700;
    await db('sessions')
      .where({ id: sessionIdOf(browser) })
      .update({ expires_at: db.raw("now() + ? * interval '1 millisecond'", [lifeMs]) });
    const startedAt = performance.now();
    const [socket, otherSocket] = [await watching(browser), await watching(other)];
    expect(await socket.closed).toBe(4401);
    expect(performance.now() - startedAt).toBeLessThan(lifeMs + 2_000);
    await expect.poll(async () => (await callAs(browser)('auth.me')).status).toBe(401);
    expect(await otherSocket.subscribe(2)).toMatchObject({ type: 'snapshot' });
    otherSocket.close();
  });

  it('signing out closes the sockets of this session at once, and no others', async () => {
    const [browser, other] = [await signIn(), await signIn()];
    const [socket, second, otherSocket] = [await watching(browser), await watching(browser), await watching(other)];
    expect((await signOut(browser, server)).status).toBe(204);
    expect([await socket.closed, await second.closed]).toEqual([4401, 4401]);
    expect(await otherSocket.subscribe(2)).toMatchObject({ type: 'snapshot' });
    otherSocket.close();
  });

  it('signing out on one server closes the sockets on another within the interval', async () => {
    const [browser, other] = [await signIn(), await signIn()];
    const [socket, otherSocket] = [await watching(browser, otherServer), await watching(other, otherServer)];
    expect((await signOut(browser, server)).status).toBe(204);
    expect(await socket.closed).toBe(4401);
    expect((await callAs(browser, otherServer)('auth.me')).status).toBe(401);
    expect(await otherSocket.subscribe(2)).toMatchObject({ type: 'snapshot' });
    otherSocket.close();
  });

  it('nothing arrives on the socket after its session has ended, and it cannot be opened again', async () => {
    const browser = await signIn();
    const call = callAs(browser);
    const socket = await watching(browser);
    await signOut(browser, server);
    await socket.closed;
    const heard = socket.messages.length;
    expect((await call('projects.create', { body: { name: 'Too late' } })).status).toBe(401);
    const again = await openSocket(server.url, { cookie: browser.cookiesFor(server.url) });
    expect(await again.subscribe(1)).toMatchObject({ data: { appCode: 'UNAUTHENTICATED' } });
    expect(socket.messages).toHaveLength(heard);
    again.close();
  });

  it('after sign-in the person is on the same page, and the feed continues after the last event', async () => {
    const browser = await signIn();
    const { id } = (await callAs(browser)('projects.create', { body: { name: 'Deep' } })).data as { id: string };
    const socket = await watching(browser);
    await callAs(browser)('projects.update', { body: { id, description: 'Known.' } });
    const observed = await socket.message((message) => message.result?.data?.data['type'] === 'changed');
    await signOut(browser, server);
    expect(await socket.closed).toBe(4401);

    // The page does this on 4401, and the button of the sign-in page leads there.
    const deepLink = `/projects/${id}?tab=activity`;
    let signInPage = '';
    createSession({ load: (path) => (signInPage = path), currentPath: () => deepLink, fetch }).ended();
    const returnTo = safeReturnTo(new URL(signInPage, server.url).searchParams.get('returnTo'), '/projects');
    const landed = await browser.open(`${server.url}/auth/login?returnTo=${encodeURIComponent(returnTo)}`);
    expect(landed.url).toBe(`${server.url}${deepLink}`);

    await callAs(browser)('projects.update', { body: { id, description: 'Missed.' } });
    const resumed = await openSocket(server.url, { cookie: browser.cookiesFor(server.url) });
    expect(await resumed.subscribe(1, { lastEventId: observed.result?.data?.id })).toMatchObject({ type: 'freshness' });
    const missed = await resumed.message((message) => message.result?.data?.data['type'] === 'changed');
    expect(missed.result?.data?.data).toMatchObject({ project: { id, description: 'Missed.' } });
    expect(resumed.messages.filter((message) => message.result?.data?.data['type'] === 'snapshot')).toEqual([]);
    resumed.close();
  });
});
