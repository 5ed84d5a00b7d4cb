import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { systemClock } from '../../src/shared/clock.ts';
import { createApiCall } from '../support/api-call.ts';
import { createCookieBrowser, type CookieBrowser } from '../support/cookie-browser.ts';
import { openSocket } from '../support/raw-socket.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../support/scripted-issuer.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../support/services.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const hourMs = 60 * 60 * 1000;
let database: TestDatabase;
let issuer: ScriptedIssuer;
let server: TestServer;
/** How far the clock of the server is ahead. */
let aheadMs = 0;
/** When it is not null, the clock of the server stands still. */
let standsAtMs: number | null = null;

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  issuer = await startScriptedIssuer();
  server = await startTestServer({
    databaseUrl: database.url,
    redisUrl: redis.url,
    env: { OIDC_ISSUER: issuer.url },
    clock: { ...systemClock, now: () => standsAtMs ?? Date.now() + aheadMs },
  });
});
afterAll(async () => {
  await server.stop();
  await issuer.goAway();
  await database.drop();
});
beforeEach(() => {
  standsAtMs = null;
  aheadMs += hourMs; // in each test the server has not used the issuer for a long time
  return () => issuer.repair();
});

const login = (browser: CookieBrowser, returnTo = '/projects/7?tab=files') =>
  browser.open(`${server.url}/auth/login?returnTo=${encodeURIComponent(returnTo)}`);
const isCallback = (url: URL) => url.pathname === '/auth/callback';
const me = (browser: CookieBrowser) => createApiCall(server.url, { cookie: browser.cookiesFor(server.url) })('auth.me');

async function signIn(): Promise<CookieBrowser> {
  const browser = createCookieBrowser();
  expect((await login(browser)).url).toBe(`${server.url}/projects/7?tab=files`);
  expect((await me(browser)).status).toBe(200);
  return browser;
}

describe('fault 19: issuer down for an hour; key rotated', () => {
  it('sign-in reports at once that the issuer does not answer, and keeps the page to return to', async () => {
    await signIn();
    await issuer.goAway();
    for (const passedMs of [10_000, hourMs]) {
      aheadMs += passedMs;
      const page = await login(createCookieBrowser());
      expect([page.url.startsWith(server.url), page.status, page.headers.get('retry-after')]).toEqual([
        true,
        503,
        '10',
      ]);
      expect(page.body).toContain('The sign-in service does not answer right now.');
      expect(page.body).toContain('href="/auth/login?returnTo=%2Fprojects%2F7%3Ftab%3Dfiles"');
    }
    await issuer.comeBack();
  });

  it('sign-in reports it within seven seconds when the issuer accepts connections but does not answer', async () => {
    issuer.break('metadata', 'silence');
    const startedAt = performance.now();
    const page = await login(createCookieBrowser());
    expect(page.status).toBe(503);
    expect(page.body).toContain('The sign-in service does not answer right now.');
    expect(performance.now() - startedAt).toBeLessThan(7_000);
  });

  it('a person who is signed in can use calls, open and new sockets, and can sign out', async () => {
    const browser = await signIn();
    const cookie = browser.cookiesFor(server.url);
    const socket = await openSocket(server.url, { cookie });
    await socket.subscribe(1);
    await issuer.goAway();
    aheadMs += hourMs;
    expect((await me(browser)).data).toMatchObject({ name: 'anna' });
    expect(await socket.subscribe(2)).toMatchObject({ type: 'snapshot' });
    const later = await openSocket(server.url, { cookie });
    expect(await later.subscribe(1)).toMatchObject({ type: 'snapshot' });

    const page = await browser.open(`${server.url}/auth/logout`, { form: {}, until: () => true });
    expect(page.url).toBe(`${server.url}/`); // not the sign-out page of the issuer, which is down
    expect(await socket.closed).toBe(4401);
    expect((await me(browser)).status).toBe(401);
    await issuer.comeBack();
  });

  it('a person who returns from sign-in while the issuer is down sees an error, and the next attempt leads to the requested page', async () => {
    const browser = createCookieBrowser();
    const { url } = await browser.open(`${server.url}/auth/login?returnTo=/deep`, { until: isCallback });
    await issuer.goAway();
    const page = await browser.open(url);
    expect(page.status).toBe(503);
    expect(page.body).toContain('The sign-in service does not answer right now.');
    await issuer.comeBack();
    const [, again = ''] = /href="([^"]+)"/.exec(page.body) ?? [];
    aheadMs += 1_000; // the server does not use the issuer for this time after a failure
    expect((await browser.open(`${server.url}${again}`)).url).toBe(`${server.url}/deep`);
  });

  it('a known key still verifies as long as the keys cannot be read', async () => {
    await signIn();
    issuer.break('keys', 'error');
    for (let hours = 0; hours < 3; hours += 1) {
      aheadMs += hourMs;
      const asked = issuer.count('keys');
      await signIn();
      expect(issuer.count('keys')).toBeGreaterThan(asked); // the server has tried to read them
    }
  });

  it('a new key is accepted at once when the issuer returns with it', async () => {
    await signIn();
    await issuer.goAway();
    aheadMs += hourMs;
    expect((await login(createCookieBrowser())).status).toBe(503);
    await issuer.rotateKey();
    await issuer.comeBack();
    aheadMs += 1_000;
    await signIn();
  });

  it('a new key is accepted at once even when the old keys were read a moment before', async () => {
    standsAtMs = Date.now() + aheadMs;
    await signIn();
    const asked = issuer.count('keys');
    await signIn();
    expect(issuer.count('keys')).toBe(asked); // known keys are not read again
    for (let rotation = 0; rotation < 2; rotation += 1) {
      await issuer.rotateKey();
      await signIn();
    }
    expect(issuer.count('keys')).toBe(asked + 2);
  });

  it('a key that the issuer has withdrawn is refused', async () => {
    await signIn();
    await issuer.rotateKey({ showOnly: true });
    aheadMs += 10_000;
    const page = await login(createCookieBrowser());
    expect([page.status, new URL(page.url).pathname]).toEqual([400, '/auth/callback']);
    expect(page.body).toContain('does not belong to this sign-in');
    await issuer.rotateKey();
  });
});

describe('the address of the issuer', () => {
  it('may lead to another program for a while, whose open connections are not used afterwards', async () => {
    const [fresh, redis] = [await startScriptedIssuer(), await createTestRedis()];
    const places = { databaseUrl: database.url, redisUrl: redis.url };
    const other = createHttpServer((_request, response) => response.writeHead(404).end());
    const listener = createTcpServer((socket) => other.emit('connection', socket));
    await fresh.goAway();
    await once(listener.listen(Number(new URL(fresh.url).port), '127.0.0.1'), 'listening');
    const { url, stop } = await startTestServer({
      ...places,
      env: { OIDC_ISSUER: fresh.url },
      clock: { ...systemClock, now: () => Date.now() + aheadMs },
    });
    try {
      const open = () => createCookieBrowser().open(`${url}/auth/login?returnTo=/deep`);
      expect((await open()).status).toBe(503);
      listener.close(); // it accepts no connection from now on, and keeps those that are open
      await fresh.comeBack();
      aheadMs += 1_000;
      expect((await open()).url).toBe(`${url}/deep`);
    } finally {
      await stop();
      other.closeAllConnections();
      await fresh.goAway();
    }
  });
});
