import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

let database: TestDatabase;
let server: TestServer;
let unbuilt: TestServer;
let clientDir: string;

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  clientDir = mkdtempSync(join(tmpdir(), 'opencode-client-'));
  mkdirSync(join(clientDir, 'assets'));
  writeFileSync(join(clientDir, 'index.html'), '<!doctype html><title>The application</title>');
  writeFileSync(join(clientDir, 'assets/app-1a2b3c.js'), 'export {};');
  writeFileSync(join(clientDir, 'favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  const options = { databaseUrl: database.url, redisUrl: redis.url };
  server = await startTestServer({ ...options, clientDir });
  unbuilt = await startTestServer({ ...options, clientDir: join(clientDir, 'nothing') });
});
afterAll(async () => {
  await Promise.all([server.stop(), unbuilt.stop()]);
  await database.drop();
  rmSync(clientDir, { recursive: true, force: true });
});

const open = (path: string, accept = 'text/html') => fetch(`${server.url}${path}`, { headers: { accept } });

it('every page of the user interface is index.html, which is revalidated on each request', async () => {
  for (const path of ['/', '/projects', '/projects/1?tab=files', '/no/such/page']) {
    const page = await open(path);
    expect([page.status, page.headers.get('cache-control')]).toEqual([200, 'no-cache']);
    expect(await page.text()).toContain('The application');
  }
});

it('files with a hash in their name are cached for ever, other files are revalidated', async () => {
  expect((await open('/assets/app-1a2b3c.js')).headers.get('cache-control')).toContain('immutable');
  expect((await open('/favicon.svg')).headers.get('cache-control')).toBe('no-cache');
});

it('a request that does not accept HTML, and a missing file, receive a JSON 404', async () => {
  for (const response of [
    await open('/nothing', 'application/json'),
    await open('/assets/gone.js'),
    await open('/trpc'),
  ]) {
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { data: { appCode: 'NOT_FOUND', httpStatus: 404 } } });
  }
});

it('no path leads out of the folder of the user interface', async () => {
  for (const path of ['/..%2f..%2fetc%2fpasswd', '/assets/..%2f..%2f..%2fetc/passwd', '/%2e%2e/%2e%2e/etc/passwd']) {
    expect(await (await open(path)).text()).not.toContain('root:');
  }
});

it('the page for a user interface that is not built says what to do', async () => {
  const page = await fetch(unbuilt.url, { headers: { accept: 'text/html' } });
  expect(page.status).toBe(503);
  expect(await page.text()).toContain('npm run build');
});

it('pages have headers that forbid foreign scripts, frames and types', async () => {
  const { headers } = await open('/');
  const policy = headers.get('content-security-policy') ?? '';
  expect(policy).toContain("script-src 'self';");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/script-src[^;]*unsafe/);
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('strict-transport-security')).toBeNull(); // plain http on localhost
  expect(headers.get('x-powered-by')).toBeNull();
});

it('metrics count requests with names from closed lists', async () => {
  await fetch(`${server.url}/trpc/auth.me`);
  await fetch(`${server.url}/trpc/made.up.by.a.client`);
  const text = await (await fetch(`${server.url}/metrics`)).text();
  expect(text).toContain('opencode_http_requests_total{method="GET",route="auth.me",status="401"}');
  expect(text).toContain('route="unknown procedure"');
  expect(text).not.toContain('made.up');
  for (const name of ['opencode_sockets 0', 'opencode_subscriptions 0', 'opencode_status_heartbeat_age_seconds -1']) {
    expect(text).toContain(name);
  }
});
