import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bearer } from '../../support/api-call.ts';
import { createCookieBrowser } from '../../support/cookie-browser.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../support/scripted-issuer.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

let database: TestDatabase;
let issuer: ScriptedIssuer;
/** One server with an https origin, and one on plain http on this machine. */
let secure: TestServer;
let plain: TestServer;
let unbuilt: TestServer;
let clientDir: string;
let token: string;

beforeAll(async () => {
  const redis = await createTestRedis();
  [database, issuer] = await Promise.all([createTestDatabase(), startScriptedIssuer()]);
  clientDir = mkdtempSync(join(tmpdir(), 'opencode-client-'));
  mkdirSync(join(clientDir, 'assets'));
  writeFileSync(join(clientDir, 'index.html'), '<!doctype html><title>The application</title>');
  writeFileSync(join(clientDir, 'assets/app-1a2b3c.js'), 'export {};');
  writeFileSync(join(clientDir, 'favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  const start = (env: Record<string, string>, dir = clientDir) =>
    startTestServer({
      databaseUrl: database.url,
      redisUrl: redis.url,
      env: { OIDC_ISSUER: issuer.url, ...env },
      clientDir: dir,
    });
  const https = { PUBLIC_URL: 'https://projects.example.test' };
  [secure, plain, unbuilt] = await Promise.all([start(https), start({}), start(https, join(clientDir, 'nothing'))]);
  token = await secure.mintToken('user');
});
afterAll(async () => {
  await Promise.all([secure.stop(), plain.stop(), unbuilt.stop()]);
  await issuer.goAway();
  await database.drop();
  rmSync(clientDir, { recursive: true, force: true });
});

interface Kind {
  what: string;
  path: string;
  status: number;
  cache?: string;
  init?: () => RequestInit;
  /** A response to an unreadable request: if a browser shows it as a page, it must not be able to do anything. */
  unreadable?: true;
  /** Instead of `same-origin`. */
  referrer?: string;
}

const html = () => ({ headers: { accept: 'text/html' } });
const signedIn = () => ({ headers: bearer(token) });
const post = (body: string, headers: Record<string, string> = {}) => ({
  method: 'POST',
  headers: { ...bearer(token), 'content-type': 'application/json', ...headers },
  body,
});
const files = { index: 'no-cache', asset: 'public, max-age=31536000, immutable' };

/** Every kind of response. None is cached unless it says otherwise. */
const kinds: Kind[] = [
  { what: 'a page of the interface', path: '/projects/1', status: 200, cache: files.index, init: html },
  { what: 'the page at the root', path: '/', status: 200, cache: files.index, init: html },
  { what: 'an asset', path: '/assets/app-1a2b3c.js', status: 200, cache: files.asset },
  { what: 'a file that keeps its name', path: '/favicon.svg', status: 200, cache: files.index },
  { what: 'an asset that is gone', path: '/assets/gone.js', status: 404 },
  { what: 'a path that is nowhere', path: '/nowhere', status: 404 },
  { what: 'a path that cannot be decoded', path: '/%', status: 400, unreadable: true },
  { what: 'a path of the API that cannot be decoded', path: '/trpc/%', status: 400, unreadable: true },
  { what: 'a path that is too long', path: `/trpc/${'a'.repeat(6_000)}`, status: 413, unreadable: true },
  { what: 'an answer of the API', path: '/trpc/auth.me', status: 200, init: signedIn },
  { what: 'a batch', path: '/trpc/auth.me,tokens.list?batch=1', status: 200, init: signedIn },
  { what: 'a refusal of the API', path: '/trpc/auth.me', status: 401 },
  { what: 'an unknown procedure', path: '/trpc/no.such', status: 404, init: signedIn },
  { what: 'a procedure with a name that is none', path: '/trpc/%2525', status: 404 },
  { what: 'an input that is wrong', path: '/trpc/projects.create', status: 400, init: () => post('{}') },
  {
    what: 'a body that is too large',
    path: '/trpc/projects.create',
    status: 413,
    init: () => post('x'.repeat(70_000)),
  },
  {
    what: 'a call from another site',
    path: '/trpc/projects.create',
    status: 403,
    init: () => post('{}', { authorization: '', origin: 'https://evil.test' }),
  },
  { what: 'the way to the issuer', path: '/auth/login?redirected', status: 303, referrer: 'no-referrer' },
  { what: 'a callback that is wrong', path: '/auth/callback?code=1&state=2', status: 400, referrer: 'no-referrer' },
  { what: 'the way out', path: '/auth/logout', status: 303, referrer: 'no-referrer' },
  {
    what: 'a way out that another site asks for',
    path: '/auth/logout',
    status: 403,
    init: () => ({ method: 'POST', headers: { origin: 'https://evil.test' } }),
    referrer: 'no-referrer',
  },
  { what: 'an unknown path of signing in', path: '/auth/else', status: 404 },
  { what: 'life', path: '/livez', status: 200 },
  { what: 'readiness', path: '/readyz', status: 200 },
  { what: 'figures', path: '/metrics', status: 200 },
];

const policy = (issuerUrl: string) => ({
  'default-src': "'self'",
  'script-src': "'self'",
  'style-src': "'self' 'unsafe-inline'",
  'img-src': "'self' data: blob: https:",
  'connect-src': "'self'",
  'object-src': "'none'",
  'frame-ancestors': "'none'",
  'base-uri': "'none'",
  'form-action': `'self' ${issuerUrl}`,
});

function expectSafe({ headers }: Response, kind: Partial<Kind> = {}): void {
  const { cache = 'no-store', referrer = 'same-origin', unreadable = false } = kind;
  const directives = (headers.get('content-security-policy') ?? '').split(';').filter(Boolean);
  const read = directives.map((directive) => directive.trim().split(/ (.*)/s).slice(0, 2) as [string, string]); // a name and its values
  expect(Object.fromEntries(read)).toEqual(
    unreadable ? { 'default-src': "'none'", 'frame-ancestors': "'none'" } : policy(issuer.url),
  );
  expect({
    cache: headers.get('cache-control'),
    referrer: headers.get('referrer-policy'),
    sniff: headers.get('x-content-type-options'),
    frame: headers.get('x-frame-options'),
    opener: headers.get('cross-origin-opener-policy'),
    resource: headers.get('cross-origin-resource-policy'),
  }).toEqual({
    cache,
    referrer,
    sniff: 'nosniff',
    frame: 'DENY',
    opener: 'same-origin',
    resource: 'same-origin',
  });
  expect(headers.get('permissions-policy')).toMatch(/camera=\(\).*geolocation=\(\).*microphone=\(\)/);
  expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  for (const name of ['server', 'x-powered-by']) expect([name, headers.get(name)]).toEqual([name, null]);
  expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
}

describe('every response has the security headers:', () => {
  it.each(kinds)('$what', async (kind) => {
    const ask = (server: TestServer) => fetch(`${server.url}${kind.path}`, { redirect: 'manual', ...kind.init?.() });
    const overPlain = await ask(plain);
    const overTls = await fetch(`http://127.0.0.1:${secure.port}${kind.path}`, {
      redirect: 'manual',
      ...kind.init?.(),
    });
    expect([overPlain.status, overTls.status]).toEqual([kind.status, kind.status]);
    for (const answer of [overPlain, overTls]) expectSafe(answer, kind);
    expect(overTls.headers.get('strict-transport-security')).toBe(kind.unreadable ? null : 'max-age=31536000');
    expect(overPlain.headers.get('strict-transport-security')).toBeNull();
  });

  it('the page for a user interface that is not built', async () => {
    const answer = await fetch(`http://127.0.0.1:${unbuilt.port}/`, html());
    expect(answer.status).toBe(503);
    expectSafe(answer);
  });
});

describe('every cookie', () => {
  it('of an https origin is bound to the host and to TLS', async () => {
    const answer = await fetch(`http://127.0.0.1:${secure.port}/auth/login?redirected`, { redirect: 'manual' });
    const cookies = [
      ...answer.headers.getSetCookie(),
      ...(await fetch(`http://127.0.0.1:${secure.port}/auth/logout`, { redirect: 'manual' })).headers.getSetCookie(),
    ];
    expect(cookies.length).toBeGreaterThan(1);
    for (const cookie of cookies) {
      expect(cookie).toMatch(/^__Host-[a-zA-Z0-9_-]+=[^;]*; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+; Secure$/);
    }
  });

  it('of plain http on this machine is also inaccessible to scripts and other sites', async () => {
    const browser = createCookieBrowser();
    const page = await browser.open(`${plain.url}/auth/login`, { until: ({ pathname }) => pathname === '/projects' });
    expect(page.status).toBe(200);
    const answer = await fetch(`${plain.url}/auth/login`, { redirect: 'manual' });
    for (const cookie of answer.headers.getSetCookie()) {
      expect(cookie).toMatch(/^opencode-[a-zA-Z0-9_-]+=[^;]*; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+$/);
    }
  });
});
