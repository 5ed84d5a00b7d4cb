import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as client from 'openid-client';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';

import { silentLog } from '../embedded-log.ts';
import { waitUntil } from '../process/wait-until.ts';
import { createEmbeddedIssuer } from './issuer.ts';
import type { EmbeddedIssuer } from './issuer.ts';

const callback = 'http://localhost:3080/auth/callback';
const afterSignOut = 'http://localhost:3080/signed-out';

let dataDir: string;
let issuer: EmbeddedIssuer;
let browser: ReturnType<typeof createBrowser>;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'embedded-issuer-'));
  issuer = await start();
});

afterAll(async () => {
  await issuer.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

beforeEach(() => {
  browser = createBrowser();
});

afterEach(() => {
  vi.restoreAllMocks();
});

test('a development user signs in with code and PKCE, and the ID token carries name and email', async () => {
  const flow = await beginSignIn();
  const page = await browser.open(flow.url);
  expect(page.status).toBe(200);
  expect(page.html).toContain('<label for="login">');
  const { tokens } = await flow.finish(await browser.submit(page, { login: 'user-a', password: 'user-a' }));
  expect(tokens.claims()).toMatchObject({
    iss: issuer.url,
    aud: 'app',
    sub: 'user-a',
    name: 'User A',
    email: 'user-a@example.test',
    email_verified: true,
  });
});

test('one click signs in as each of the three development users', async () => {
  for (const name of ['user-a', 'user-b', 'user-c']) {
    browser = createBrowser();
    const flow = await beginSignIn();
    const page = await browser.open(flow.url);
    expect(page.html).toContain(`<button name="as" value="${name}">`);
    const { tokens } = await flow.finish(await browser.submit(page, { as: name }));
    expect(tokens.claims()?.sub).toBe(name);
  }
});

test('the access token is a JWT for the audience, checked by the published keys', async () => {
  const { tokens } = await signIn('user-b');
  const keys = createRemoteJWKSet(new URL('/jwks', issuer.url));
  const { payload } = await jwtVerify(tokens.access_token, keys, {
    issuer: issuer.url,
    audience: 'opencode-project-manager',
    algorithms: ['RS256'],
    requiredClaims: ['sub', 'exp'],
  });
  expect(payload).toMatchObject({ sub: 'user-b', name: 'User B', email: 'user-b@example.test' });
});

test('after a wrong password the page shows a message and the user name, and the right password still works', async () => {
  const flow = await beginSignIn();
  const page = await browser.open(flow.url);
  const retry = await browser.submit(page, { login: 'user-a', password: '"><script>' });
  expect(retry.status).toBe(401);
  expect(retry.html).toContain('The user name or the password is wrong.');
  expect(retry.html).toContain('value="user-a"');
  expect(retry.html).not.toContain('<script>');
  const { tokens } = await flow.finish(await browser.submit(retry, { login: 'user-a', password: 'user-a' }));
  expect(tokens.claims()?.sub).toBe('user-a');
});

test('a person who is signed in is not asked for a password again', async () => {
  await signIn('user-c');
  const flow = await beginSignIn();
  const { tokens } = await flow.finish(await browser.open(flow.url));
  expect(tokens.claims()?.sub).toBe('user-c');
});

test('cancelling returns to the application with the error access_denied', async () => {
  const flow = await beginSignIn();
  const end = await browser.submit(await browser.open(flow.url), { cancel: 'yes' });
  expect(end.leftFor?.searchParams.get('error')).toBe('access_denied');
  expect(end.leftFor?.searchParams.get('state')).toBe(flow.state);
});

test('a request without PKCE returns to the application with an error', async () => {
  const flow = await beginSignIn();
  flow.url.searchParams.delete('code_challenge');
  flow.url.searchParams.delete('code_challenge_method');
  const end = await browser.open(flow.url);
  expect(end.leftFor?.searchParams.get('error')).toBe('invalid_request');
});

test('an authorization code works only with its verifier, and only once', async () => {
  const flow = await beginSignIn();
  const end = await browser.submit(await browser.open(flow.url), { as: 'user-a' });
  const wrong = {
    pkceCodeVerifier: client.randomPKCECodeVerifier(),
    expectedState: flow.state,
    expectedNonce: flow.nonce,
  };
  await expect(client.authorizationCodeGrant(flow.config, end.leftFor ?? flow.url, wrong)).rejects.toThrow();

  const second = await beginSignIn();
  const secondEnd = await browser.open(second.url);
  await second.finish(secondEnd);
  await expect(second.finish(secondEnd)).rejects.toThrow();
});

test('signing out with the ID token ends the session and returns to the application without a question', async () => {
  const { tokens, config } = await signIn('user-a');
  const url = client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token ?? '',
    post_logout_redirect_uri: afterSignOut,
    state: 'kept',
  });
  const end = await browser.open(url);
  expect(end.leftFor?.href).toBe(`${afterSignOut}?state=kept`);

  const page = await browser.open((await beginSignIn()).url);
  expect(page.html).toContain('<label for="login">');

  const repeated = await browser.open(url);
  expect(repeated.leftFor?.href).toBe(`${afterSignOut}?state=kept`);
});

test('signing out without an ID token asks the person first', async () => {
  await signIn('user-a');
  const page = await browser.open(new URL('/session/end', issuer.url));
  expect(page.html).toContain('Sign out of the embedded issuer');
  const flow = await beginSignIn();
  await flow.finish(await browser.open(flow.url));
});

test('every failed request shows a page with a link to the application, on which no script can run', async () => {
  const flow = await beginSignIn();
  const wrongClient = new URL(flow.url);
  wrongClient.searchParams.set('client_id', 'somebody-else');
  const wrongRedirect = new URL(flow.url);
  wrongRedirect.searchParams.set('redirect_uri', 'https://evil.example/');
  const unknownSignIn = new URL('/sign-in/unknown', issuer.url);
  for (const url of [wrongClient, wrongRedirect, unknownSignIn, new URL('/nowhere', issuer.url)]) {
    const page = await browser.open(url);
    expect(page.status).toBeGreaterThanOrEqual(400);
    expect(page.status).toBeLessThan(500);
    expect(page.html).toContain('<h1>');
    expect(page.html).toContain('href="http://localhost:3080/"');
    expect(page.html).not.toMatch(/at .*\.js:\d+/);
    expect(page.policy).toContain("default-src 'none'");
    expect(page.policy).not.toContain('script-src');
  }
});

test('a restart keeps keys and address, prints nothing, and a sign-in that it interrupted gets a page with the cause', async () => {
  const printed = [
    vi.spyOn(process.stdout, 'write'),
    vi.spyOn(process.stderr, 'write'),
    vi.spyOn(console, 'info'),
    vi.spyOn(console, 'warn'),
  ];
  const { tokens } = await signIn('user-a');
  const other = createBrowser();
  const flow = await beginSignIn();
  const page = await other.open(flow.url);
  const before = issuer.url;
  await issuer.stop();
  issuer = await start();
  // Until fetch has noticed that its kept connections are closed, it may still use one of them.
  await waitUntil(() => fetch(issuer.url).then(Boolean, () => undefined), { timeoutMs: 2_000 });
  expect(issuer.url).toBe(before);
  expect(statSync(join(dataDir, 'issuer.json')).mode & 0o777).toBe(0o600);

  const late = await other.submit(page, { login: 'user-a', password: 'user-a' });
  expect(late.status).toBe(400);
  expect(late.html).toContain('started before the issuer was restarted');
  await jwtVerify(tokens.access_token, createRemoteJWKSet(new URL('/jwks', issuer.url)));
  await signIn('user-a');
  for (const spy of printed) expect(spy).not.toHaveBeenCalled();
});

test('a second issuer on the same data takes another port instead of failing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'embedded-issuer-'));
  const one = await start(folder);
  const two = await start(folder);
  expect(two.url).not.toBe(one.url);
  await expect(start(folder, Number(new URL(one.url).port))).rejects.toThrow(/cannot listen on 127\.0\.0\.1:\d+/);
  await Promise.all([one.stop(), two.stop()]);
  rmSync(folder, { recursive: true });
});

function start(folder = dataDir, port?: number): Promise<EmbeddedIssuer> {
  return createEmbeddedIssuer({
    dataDir: folder,
    ...(port === undefined ? {} : { port }),
    log: silentLog,
    clients: [
      { clientId: 'app', clientSecret: 'app-secret', redirectUris: [callback], postLogoutRedirectUris: [afterSignOut] },
    ],
  });
}

async function beginSignIn() {
  const config = await client.discovery(new URL(issuer.url), 'app', 'app-secret', undefined, {
    // oxlint-disable-next-line typescript/no-deprecated -- deprecated to discourage use beyond loopback, where this issuer is
    execute: [client.allowInsecureRequests],
  });
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: callback,
    scope: 'openid profile email',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  });
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
  const finish = async (end: Page) => {
    if (end.leftFor === null) throw new Error(`The sign-in ended on a page of the issuer: ${end.html}`);
    return { config, tokens: await client.authorizationCodeGrant(config, end.leftFor, checks) };
  };
  return { config, url, state, nonce, finish };
}

async function signIn(name: string) {
  const flow = await beginSignIn();
  return flow.finish(await browser.submit(await browser.open(flow.url), { login: name, password: name }));
}

interface Page {
  url: URL;
  status: number;
  html: string;
  policy: string;
  /** The address outside the issuer to which it redirected; null on a page of the issuer. */
  leftFor: URL | null;
}

/** A minimal browser: it keeps cookies and follows redirects within the issuer. */
function createBrowser() {
  const cookies = new Map<string, string>();

  const load = async (url: URL, body: URLSearchParams | null): Promise<Page> => {
    const response = await fetch(url, {
      method: body === null ? 'GET' : 'POST',
      body,
      redirect: 'manual',
      headers: { accept: 'text/html', cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (cookie.split(';')[0] ?? '').split('=');
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    const location = response.headers.get('location');
    const page = {
      url,
      status: response.status,
      html: await response.text(),
      policy: response.headers.get('content-security-policy') ?? '',
    };
    if (location === null) return { ...page, leftFor: null };
    const target = new URL(location, url);
    return target.origin === url.origin ? load(target, null) : { ...page, leftFor: target };
  };

  return {
    open: (url: URL) => load(url, null),
    submit: (page: Page, fields: Record<string, string>) => load(page.url, new URLSearchParams(fields)),
  };
}
