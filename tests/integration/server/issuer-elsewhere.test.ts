import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { createApiCall } from '../../support/api-call.ts';
import { createCookieBrowser } from '../../support/cookie-browser.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../support/scripted-issuer.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

let database: TestDatabase;
let issuer: ScriptedIssuer;
let server: TestServer;
/** The URL for browsers; the server reaches the issuer only by its address. */
let publicName: string;

beforeAll(async () => {
  database = await createTestDatabase();
  issuer = await startScriptedIssuer();
  publicName = issuer.url.replace('127.0.0.1', 'localhost');
  server = await startTestServer({
    databaseUrl: database.url,
    redisUrl: (await createTestRedis()).url,
    env: { OIDC_ISSUER: publicName, OIDC_DISCOVERY_URL: `${issuer.url}/.well-known/openid-configuration` },
  });
});
afterAll(async () => {
  await server.stop();
  await issuer.goAway();
  await database.drop();
});
beforeEach(() => issuer.repair());

const login = (browser = createCookieBrowser()) => browser.open(`${server.url}/auth/login`);

describe('an issuer that browsers and the server reach at different addresses (OIDC_DISCOVERY_URL)', () => {
  it('is refused when its metadata name another issuer than OIDC_ISSUER', async () => {
    const page = await login();
    expect(page.status).toBe(503);
    expect(page.body).toContain('An administrator has to correct OIDC_ISSUER');
    expect(page.body).not.toContain('Try again');
  });

  it('signs people in with the name of OIDC_ISSUER', async () => {
    issuer.script({
      metadata: { issuer: publicName, authorization_endpoint: `${publicName}/authorize` },
      idClaims: { iss: publicName },
    });
    const browser = createCookieBrowser();
    await expect.poll(async () => (await login(browser)).status, { timeout: 5_000 }).toBe(200);
    const me = createApiCall(server.url, { cookie: browser.cookiesFor(server.url) })('auth.me');
    expect((await me).data).toMatchObject({ name: 'anna' });
  });
});

it.each([
  { what: 'with a slash at the end, and OIDC_ISSUER without', configured: '/realm', named: '/realm/' },
  { what: 'without a slash at the end, and OIDC_ISSUER with one', configured: '/realm/', named: '/realm' },
])('an issuer that is spelled $what, signs people in', async ({ configured, named }) => {
  const redisUrl = (await createTestRedis()).url;
  const env = { OIDC_ISSUER: `${issuer.url}${configured}` };
  const other = await startTestServer({ databaseUrl: database.url, redisUrl, env });
  const name = `${issuer.url}${named}`;
  issuer.script({ metadata: { issuer: name }, idClaims: { iss: name } });
  const browser = createCookieBrowser();
  await browser.open(`${other.url}/auth/login`);
  const me = createApiCall(other.url, { cookie: browser.cookiesFor(other.url) })('auth.me');
  expect((await me).data).toMatchObject({ name: 'anna' });
  await other.stop();
});
