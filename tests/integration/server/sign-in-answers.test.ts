import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { systemClock } from '../../../src/shared/clock.ts';
import type { Database } from '../../../src/shared/node/db/database.ts';
import { createApiCall } from '../../support/api-call.ts';
import { createCookieBrowser, type CookieBrowser } from '../../support/cookie-browser.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../support/scripted-issuer.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

let database: TestDatabase;
let db: Database;
let issuer: ScriptedIssuer;
let server: TestServer;
/** How far the server's clock is ahead of the real one. */
let aheadMs = 0;
/** Not null: the server's clock stands still. */
let standsAtMs: number | null = null;

beforeAll(async () => {
  const redis = await createTestRedis();
  [database, issuer] = await Promise.all([createTestDatabase(), startScriptedIssuer()]);
  db = openTestDatabase(database.url, { poolSize: 1 });
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
  await db.destroy();
  await database.drop();
});
beforeEach(() => {
  standsAtMs = null;
  aheadMs += 10_000; // in each test the server reads the issuer's metadata again
  return () => issuer.repair();
});

const login = (browser: CookieBrowser) => browser.open(`${server.url}/auth/login?returnTo=/deep`);
const sessionCount = async () => Number((await db('sessions').count<{ count: string }[]>())[0]?.count);

async function isSignedIn(): Promise<boolean> {
  const browser = createCookieBrowser();
  const { url } = await login(browser);
  const me = await createApiCall(server.url, { cookie: browser.cookiesFor(server.url) })('auth.me');
  return url === `${server.url}/deep` && me.status === 200;
}

/** Expects a sign-in that fails, changes nothing, and offers to try again with the same destination. */
async function failure(status: number): Promise<string> {
  const before = await sessionCount();
  const browser = createCookieBrowser();
  const page = await login(browser);
  expect([new URL(page.url).pathname, page.status]).toEqual(['/auth/callback', status]);
  expect(page.body).toContain('href="/auth/login?returnTo=%2Fdeep"');
  expect(await sessionCount()).toBe(before);
  expect(browser.cookiesFor(server.url)).not.toContain('opencode-session');
  return page.body;
}

describe('the ID token of a sign-in', () => {
  it('is accepted with a clock difference of half a minute in both directions', async () => {
    issuer.script({ clockAheadMs: 25_000 });
    expect(await isSignedIn()).toBe(true);
    issuer.script({ clockAheadMs: -25_000 - 300_000 }); // the token is valid for five minutes
    expect(await isSignedIn()).toBe(true);
    issuer.script({ clockAheadMs: 0, idClaims: { nbf: Math.floor(Date.now() / 1_000) + 25 } });
    expect(await isSignedIn()).toBe(true);
  });

  it('is refused with a larger clock difference, and the message names the clocks', async () => {
    issuer.script({ clockAheadMs: -40_000 - 300_000 });
    expect(await failure(400)).toContain('clock of the sign-in service');
    issuer.script({ clockAheadMs: 0, idClaims: { nbf: Math.floor(Date.now() / 1_000) + 60 } });
    expect(await failure(400)).toContain('clock of the sign-in service');
  });

  it.each([
    ['nonce', { nonce: 'of another sign-in' }],
    ['nonce, which it has none of', { nonce: undefined }],
    ['audience', { aud: 'another-client' }],
    ['issuer', { iss: 'https://evil.example.test' }],
    ['authorised party among several audiences', { aud: ['test-client', 'other'], azp: 'other' }],
  ])('is refused for its %s', async (_what, idClaims) => {
    issuer.script({ idClaims });
    expect(await failure(400)).toContain('does not belong to this sign-in');
  });

  it.each([
    ['none', { sub: undefined }],
    ['an empty one', { sub: '' }],
    ['one that could not be kept as it is', { sub: 'ann\u0000a' }],
  ])('is refused for its subject: %s', async (_what, idClaims) => {
    issuer.script({ idClaims });
    await failure(400);
  });
});

describe('the claims of a person', () => {
  it.each<[string, Record<string, unknown>]>([
    ['neither a name nor an address', { name: undefined, email: undefined, preferred_username: undefined }],
    ['values of other types', { email: ['a@example.test'], email_verified: 'true', preferred_username: null, name: 7 }],
    ['groups that are elsewhere', { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'x' } } }],
    ['2,000 groups', { groups: Array.from({ length: 2_000 }, (_, index) => `group-${index}-of-a-large-company`) }],
    ['a name with characters that change the direction', { name: '\u202egpj.exe\u0000' }],
  ])('may be %s', async (_what, idClaims) => {
    issuer.script({ idClaims });
    expect(await isSignedIn()).toBe(true);
  });

  it('may change, and the person stays the same one', async () => {
    const subject = `person-${Date.now()}`;
    for (const email of ['before@example.test', 'after@example.test']) {
      issuer.script({ idClaims: { sub: subject, email } });
      expect(await isSignedIn()).toBe(true);
    }
    const addresses = ['before@example.test', 'after@example.test'];
    expect(await db('users').whereIn('email', addresses).select('email')).toEqual([{ email: addresses[1] }]);
  });

  it('confirm an address until a sign-in with another one, or without a confirmation', async () => {
    const sub = `confirmed-${Date.now()}`;
    const confirmed = async (claims: object) => {
      issuer.script({ idClaims: { sub, ...claims } });
      expect(await isSignedIn()).toBe(true);
      return (await db('users').where({ oidc_subject: sub }).first<{ emailVerified: boolean }>()).emailVerified;
    };
    const email = 'confirmed@example.test';
    expect(await confirmed({ email, email_verified: true })).toBe(true);
    expect(await confirmed({ email: 'of-another@example.test' })).toBe(false);
    expect(await confirmed({ email, email_verified: true })).toBe(true);
    expect(await confirmed({ email, email_verified: 'true' })).toBe(false);
  });

  it('may be those of another person with the same address, who gets nothing of the first one', async () => {
    for (const sub of ['first-with-address', 'second-with-address']) {
      issuer.script({ idClaims: { sub, email: 'shared@example.test', email_verified: true } });
      expect(await isSignedIn()).toBe(true);
    }
    expect(await db('users').where({ email: 'shared@example.test' }).select('id')).toHaveLength(2);
  });
});

describe('a session', () => {
  it('is a new one at each sign-in, whatever cookie somebody has put into the browser before', async () => {
    const browser = createCookieBrowser();
    await login(browser);
    const before = browser.cookiesFor(server.url);
    await login(browser);
    const after = browser.cookiesFor(server.url);
    const sessionOf = (cookies: string) => /opencode-session=([^;]+)/.exec(cookies)?.[1];
    expect(sessionOf(after)).toBeDefined();
    expect(sessionOf(after)).not.toBe(sessionOf(before));
  });
});

describe('the redirect back from the issuer', () => {
  it('is refused without the issuer’s name if the issuer promises to send it, and with another name', async () => {
    const promises = { metadata: { authorization_response_iss_parameter_supported: true } };
    issuer.script({ ...promises, callback: { iss: null } });
    expect(await failure(400)).toContain('does not belong to this sign-in');
    issuer.script({ ...promises, callback: { iss: 'https://evil.example.test' } });
    expect(await failure(400)).toContain('does not belong to this sign-in');
    issuer.script({ ...promises, callback: { iss: issuer.url } });
    expect(await isSignedIn()).toBe(true);
  });

  it.each([
    ['access_denied', 400, 'The sign-in was cancelled.'],
    ['login_required', 400, 'The sign-in service refused the request.'],
    ['temporarily_unavailable', 503, 'does not answer right now'],
    ['server_error', 503, 'does not answer right now'],
  ])('with the error %s shows our own message', async (error, status, message) => {
    const description = '<script>alert(1)</script>';
    issuer.script({ callback: { code: null, error, error_description: description } });
    const body = await failure(status);
    expect(body).toContain(message);
    expect(body).not.toContain('<script');
  });
});

describe('a faulty token endpoint', () => {
  const json = (error: string) => JSON.stringify({ error, error_description: 'words of theirs' });
  const challenge = { 'www-authenticate': 'Basic realm="opencode"' };

  it.each([
    ['a code that was used already', { status: 400, body: json('invalid_grant') }, 400, 'was used already'],
    ['a client that it does not know', { status: 401, body: json('invalid_client') }, 400, 'client id and secret'],
    [
      'a client that it challenges',
      { status: 401, body: json('invalid_client'), headers: challenge },
      400,
      'client id and secret',
    ],
    ['a client that may not do this', { status: 400, body: json('unauthorized_client') }, 400, 'client id and secret'],
    ['too many requests', { status: 429, body: '{}' }, 503, 'does not answer right now'],
    ['an error of its own', { status: 500, body: json('server_error') }, 503, 'does not answer right now'],
    [
      'the page of a proxy before it',
      { status: 502, body: '<h1>Bad Gateway</h1>', headers: { 'content-type': 'text/html' } },
      503,
      'does not answer right now',
    ],
    ['something that is no JSON', { status: 200, body: 'hello' }, 400, 'does not belong to this sign-in'],
  ])('is answered with the message for its fault: %s', async (_what, tokenRefusal, status, message) => {
    issuer.script({ tokenRefusal });
    const body = await failure(status);
    expect(body).toContain(message);
    expect(body).not.toContain('words of theirs');
  });

  it.each(['token', 'keys'] as const)(
    'delays the answer by at most seven seconds when it does not answer: %s',
    async (endpoint) => {
      standsAtMs = Date.now() + aheadMs; // otherwise the server would read the metadata again, which takes additional time
      expect(await isSignedIn()).toBe(true);
      if (endpoint === 'keys') await issuer.rotateKey(); // so that the keys are needed
      issuer.break(endpoint, 'silence');
      const startedAt = performance.now();
      expect(await failure(503)).toContain('does not answer right now');
      expect(performance.now() - startedAt).toBeLessThan(7_000);
    },
  );
});
