import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { silentLog } from '../../../src/embedded/embedded-log.ts';
import { createEmbeddedIssuer, type EmbeddedIssuer } from '../../../src/embedded/issuer/issuer.ts';
import { findFreePort } from '../../../src/embedded/process/free-port.ts';
import type { Database } from '../../../src/shared/node/db/database.ts';
import { createApiCall } from '../../support/api-call.ts';
import { createCookieBrowser, type CookieBrowser } from '../../support/cookie-browser.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

const sessionCookie = 'opencode-session';
let database: TestDatabase;
let db: Database;
let server: TestServer;
let issuer: EmbeddedIssuer;
let dataDir: string;
const output: string[] = [];

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  db = openTestDatabase(database.url, { poolSize: 2 });
  const port = await findFreePort();
  server = await startTestServer({
    databaseUrl: database.url,
    redisUrl: redis.url,
    env: {
      OIDC_ISSUER: `http://127.0.0.1:${port}`,
      OIDC_CLIENT_ID: 'app',
      OIDC_CLIENT_SECRET: 'secret',
      LOG_LEVEL: 'trace',
    },
    logTo: { write: (line) => output.push(line) },
  });
  // The server starts before the issuer: the issuer's address is known, but nothing answers there yet.
  expect((await createCookieBrowser().open(`${server.url}/auth/login`)).status).toBe(503);
  dataDir = mkdtempSync(join(tmpdir(), 'opencode-sign-in-'));
  issuer = await createEmbeddedIssuer({
    dataDir,
    port,
    clients: [
      {
        clientId: 'app',
        clientSecret: 'secret',
        redirectUris: [`${server.url}/auth/callback`],
        postLogoutRedirectUris: [server.url],
      },
    ],
    log: silentLog,
  });
  await vi.waitFor(async () => expect((await beginSignIn(createCookieBrowser(), '/')).status).toBe(200), 5_000);
});
afterAll(async () => {
  await server.stop();
  await issuer.stop();
  await db.destroy();
  await database.drop();
  rmSync(dataDir, { recursive: true, force: true });
});

/** Opens the issuer's sign-in page. */
function beginSignIn(browser: CookieBrowser, returnTo: string) {
  return browser.open(`${server.url}/auth/login?returnTo=${encodeURIComponent(returnTo)}`);
}

/** Signs in at the issuer and returns the URL of the callback without opening it. */
async function reachCallback(browser: CookieBrowser, { as = 'user-a', returnTo = '/' } = {}): Promise<string> {
  const page = await beginSignIn(browser, returnTo);
  const atCallback = (url: URL) => url.pathname === '/auth/callback';
  if (atCallback(new URL(page.url))) throw new Error('The issuer asked nothing.');
  return (await browser.open(page.url, { form: { as }, until: atCallback })).url;
}

async function signIn(as: string, returnTo = '/'): Promise<CookieBrowser> {
  const browser = createCookieBrowser();
  await browser.open(await reachCallback(browser, { as, returnTo }), { until: () => true });
  return browser;
}

const callAs = (browser: CookieBrowser) => createApiCall(server.url, { cookie: browser.cookiesFor(server.url) });
const sessionCount = async () => Number((await db('sessions').count<{ count: string }[]>())[0]?.count);

describe('signing in', () => {
  it('creates the user and the session, and returns to the deep link', async () => {
    const browser = createCookieBrowser();
    const callback = await reachCallback(browser, { as: 'user-a', returnTo: '/projects/1?tab=files' });
    const page = await browser.open(callback, { until: () => true });
    expect(page.url).toBe(`${server.url}/projects/1?tab=files`);
    const me = await callAs(browser)('auth.me');
    expect(me.data).toMatchObject({ name: 'User A', email: 'user-a@example.test', picture: null });
    expect(await db('users').where({ oidc_subject: 'user-a' }).first('name')).toEqual({ name: 'User A' });
  });

  it('sets a cookie that scripts cannot read and other sites cannot send', async () => {
    const browser = createCookieBrowser();
    const page = await browser.open(await reachCallback(browser), { until: () => true });
    const cookie = page.headers.getSetCookie().find((header) => header.startsWith(`${sessionCookie}=`));
    expect(cookie).toMatch(/; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+$/);
    expect(page.headers.getSetCookie().filter((header) => header.includes('login-'))).toEqual([
      expect.stringContaining('Max-Age=0'),
    ]);
  });

  it('updates the user at each sign-in', async () => {
    await signIn('user-b');
    await db('users').where({ oidc_subject: 'user-b' }).update({ name: 'Old', last_login_at: '2020-01-01' });
    await signIn('user-b');
    const row = await db('users').where({ oidc_subject: 'user-b' }).first<{ name: string; lastLoginAt: Date }>();
    expect(row.name).toBe('User B');
    expect(row.lastLoginAt.getFullYear()).toBeGreaterThan(2020);
  });

  it('works in two tabs at once, in any order of finishing', async () => {
    const browser = createCookieBrowser();
    const first = await beginSignIn(browser, '/first');
    const second = await beginSignIn(browser, '/second');
    const land = async (page: string) => {
      const callback = await browser.open(page, {
        form: { as: 'user-a' },
        until: (url) => url.pathname === '/auth/callback',
      });
      return (await browser.open(callback.url, { until: () => true })).url;
    };
    expect(await land(second.url)).toBe(`${server.url}/second`);
    expect(await land(first.url)).toBe(`${server.url}/first`);
  });

  it('begins at the address of the application when it was opened by another name, and never in a circle', async () => {
    const byOtherName = async (query: string) => {
      const headers = { host: 'former.example' };
      const sent = request(`http://127.0.0.1:${server.port}/auth/login?${query}`, { headers }).end();
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      answer.resume();
      return new URL(answer.headers.location ?? '', server.url);
    };
    const first = await byOtherName('returnTo=/deep');
    expect([first.origin, first.pathname, first.searchParams.get('returnTo')]).toEqual([
      server.url,
      '/auth/login',
      '/deep',
    ]);
    // A proxy in between may name every host so.
    expect((await byOtherName(first.search.slice(1))).origin).not.toBe(server.url);
  });

  it('never leads to another site', async () => {
    const browser = createCookieBrowser();
    const page = await browser.open(await reachCallback(browser, { returnTo: '//evil.test/' }), { until: () => true });
    expect(page.url).toBe(`${server.url}/`);
  });

  it('leaves no code, token or cookie in the log', async () => {
    const browser = createCookieBrowser();
    const callback = await reachCallback(browser);
    await browser.open(callback, { until: () => true });
    const query = new URL(callback).searchParams;
    const secrets = [query.get('code'), query.get('state'), browser.cookiesFor(server.url).split('=')[1]];
    expect(output.join('')).toContain('/auth/callback');
    for (const secret of secrets) expect(output.join('')).not.toContain(secret);
  });
});

describe('an invalid callback changes nothing and shows the reason:', () => {
  async function refused(open: () => Promise<{ status: number; body: string; headers: Headers }>) {
    const before = await sessionCount();
    const page = await open();
    expect(page.status).toBe(400);
    expect(page.body).toContain('href="/auth/login"');
    expect(page.body).not.toContain('<script');
    expect(await sessionCount()).toBe(before);
    return page.body;
  }

  it('when it is replayed', async () => {
    const browser = createCookieBrowser();
    const callback = await reachCallback(browser);
    await browser.open(callback, { until: () => true });
    expect(await refused(() => browser.open(callback))).toContain('already finished');
  });

  it('when it is replayed together with its cookie', async () => {
    const browser = createCookieBrowser();
    const callback = await reachCallback(browser);
    const cookies = browser.cookiesFor(server.url).split('; ');
    await browser.open(callback, { until: () => true });
    for (const cookie of cookies) {
      const [name = '', value = ''] = cookie.split(/=(.*)/s);
      browser.setCookie(server.url, name, value);
    }
    expect(await refused(() => browser.open(callback))).toContain('used already');
  });

  it('when the sign-in was started in another browser', async () => {
    const callback = await reachCallback(createCookieBrowser());
    expect(await refused(() => createCookieBrowser().open(callback))).toContain('another browser');
  });

  it('when it has the code of one sign-in and the state of another', async () => {
    const browser = createCookieBrowser();
    const [mine, other] = [await reachCallback(browser), await reachCallback(createCookieBrowser(), { as: 'user-b' })];
    const mixed = new URL(mine);
    mixed.searchParams.set('code', new URL(other).searchParams.get('code') ?? '');
    expect(await refused(() => browser.open(mixed.href))).toContain('Nothing was changed');
  });

  it('when its state, its issuer or its cookie is forged', async () => {
    const browser = createCookieBrowser();
    const callback = new URL(await reachCallback(browser));
    const forged = new URL(callback);
    forged.searchParams.set('state', 'made-up');
    await refused(() => browser.open(forged.href));
    const otherIssuer = new URL(callback);
    otherIssuer.searchParams.set('iss', 'https://evil.test');
    await refused(() => browser.open(otherIssuer.href));
  });

  it('when the person has cancelled', async () => {
    const browser = createCookieBrowser();
    const page = await beginSignIn(browser, '/');
    expect(await refused(() => browser.open(page.url, { form: { cancel: '1' } }))).toContain('cancelled');
  });
});

describe('signing out', () => {
  it('ends the session, also for a kept cookie, and no other session of the user', async () => {
    const [browser, other] = [await signIn('user-a'), await signIn('user-a')];
    const cookie = browser.cookiesFor(server.url);
    const answer = await fetch(`${server.url}/auth/logout`, {
      method: 'POST',
      headers: { cookie, accept: 'application/json', origin: server.url },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.getSetCookie()).toContainEqual(expect.stringMatching(`^${sessionCookie}=; .*Max-Age=0`));
    expect((await createApiCall(server.url, { cookie })('auth.me')).status).toBe(401);
    expect((await callAs(other)('auth.me')).status).toBe(200);
  });

  it('by the form leads to the issuer’s own sign-out and back', async () => {
    const browser = await signIn('user-a');
    const page = await browser.open(`${server.url}/auth/logout`, { form: {}, until: () => true });
    const url = new URL(page.url);
    expect(url.origin).toBe(issuer.url);
    expect(url.searchParams.get('post_logout_redirect_uri')).toBe(server.url);
    expect(browser.cookiesFor(server.url)).not.toContain(sessionCookie);
  });

  it('makes the issuer authenticate the person again at the next sign-in, which it otherwise does not', async () => {
    const browser = await signIn('user-a');
    expect((await beginSignIn(browser, '/again')).url).toBe(`${server.url}/again`);
    await browser.open(`${server.url}/auth/logout`, { form: {}, until: () => true });
    const question = await beginSignIn(browser, '/again');
    expect(new URL(question.url).origin).toBe(issuer.url);
    // The issuer still has a session of another person, and ends it with a form that submits itself.
    const goodbye = await browser.open(question.url, { form: { as: 'user-b' } });
    const action = /action="([^"]+)"/.exec(goodbye.body)?.[1] ?? '';
    const fields = [...goodbye.body.matchAll(/name="([^"]+)" value="([^"]+)"/g)].map(([, name, value]) => [
      name,
      value,
    ]);
    await browser.open(action, { form: Object.fromEntries(fields) as Record<string, string> });
    expect((await callAs(browser)('auth.me')).data).toMatchObject({ name: 'User B' });
    expect((await beginSignIn(browser, '/again')).url).toBe(`${server.url}/again`);
  });
});
