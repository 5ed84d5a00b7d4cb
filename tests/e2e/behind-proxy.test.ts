/** The product behind a reverse proxy that terminates TLS: sign-in, cookies, sockets, origins and the content security policy. */

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { findFreePort } from '../../src/embedded/process/free-port.ts';
import { hasBrowser, startBrowser } from '../support/browser.ts';
import { openSocket } from '../support/raw-socket.ts';
import { createDataDir, startSystem, type StartedSystem } from '../support/started-system.ts';
import { startTlsProxy, type TlsProxy } from '../support/tls-proxy.ts';

describe.runIf(hasBrowser)('behind a reverse proxy with TLS', { timeout: 60_000 }, () => {
  const { dataDir, remove } = createDataDir();
  const sessionCookie = '__Host-opencode-session';
  /** Every request of the browser. */
  const requests: { url: string; headers: Promise<Record<string, string>> }[] = [];
  const sockets: string[] = [];
  const problems: string[] = [];
  let proxy: TlsProxy;
  let system: StartedSystem;
  let port: number;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    [proxy, port, browser] = await Promise.all([startTlsProxy(), findFreePort(), startBrowser()]);
    proxy.forwardTo(port);
    system = await startSystem({ dataDir, port, env: { PUBLIC_URL: proxy.url, TRUSTED_PROXIES: '1' } });
    const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 800 } });
    page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.on('request', (request) => {
      // `headers` lacks the referrer. `allHeaders` rejects for requests of a page that has been left since.
      const headers = request.allHeaders().catch(() => request.headers());
      requests.push({ url: request.url(), headers });
    });
    page.on('websocket', (socket) => sockets.push(socket.url()));
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => {
      // The client asks who is signed in. Chromium logs the answer 401 as an error.
      const isProblem = message.type() === 'error' || /mixed content|content security/i.test(message.text());
      if (isProblem && !message.text().includes('401')) problems.push(message.text());
    });
  });
  afterAll(async () => {
    await browser?.close();
    await system?.end('SIGKILL');
    await proxy?.close();
    remove();
  });

  it('a sign-in leads through the issuer and back to the public origin', async () => {
    await page.goto(`${proxy.url}/projects?sort=name`);
    await page.getByRole('link', { name: 'Sign in' }).click();
    await page.getByLabel('User name').fill('user-a');
    await page.getByLabel('Password').fill('user-a');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.waitForURL(`${proxy.url}/projects?sort=name`);
    await page.getByText('Create your first project').waitFor();
  });

  it('the session cookie is bound to the host and to TLS, and scripts cannot read it', async () => {
    const cookies = await page.context().cookies(proxy.url);
    expect(cookies.map(({ name }) => name)).toEqual([sessionCookie]);
    expect(cookies[0]).toMatchObject({ secure: true, httpOnly: true, sameSite: 'Lax', path: '/', domain: 'localhost' });
    const readable = await page.evaluate(() => JSON.stringify([document.cookie, localStorage, sessionStorage]));
    expect(readable).toMatch(/^\["",/);
    expect(readable).not.toContain(cookies[0]?.value);
  });

  it('the server tells browsers to use TLS only', async () => {
    const response = await page.reload();
    expect(response?.headers()['strict-transport-security']).toBe('max-age=31536000');
  });

  it('a project becomes Running over a socket through the proxy', async () => {
    await page.getByRole('button', { name: 'New project' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Behind a proxy');
    await dialog.getByRole('button', { name: 'Create project' }).click();
    const card = page.getByRole('article', { name: 'Behind a proxy' });
    await card.locator('[data-status="ready"]', { hasText: 'Running' }).waitFor();
    await page.locator('output[data-kind="live"]').waitFor();
    expect(new Set(sockets)).toEqual(new Set([`${proxy.url.replace('https', 'wss')}/trpc`]));
    expect(proxy.handshakes()).toContain(101);
  });

  it('the server accepts changes from the public origin only', async () => {
    const [session] = await page.context().cookies(proxy.url);
    const cookie = `${sessionCookie}=${session?.value}`;
    const inner = `http://127.0.0.1:${port}`;
    const createToken = async (origin: string) => {
      const headers = { cookie, origin, 'content-type': 'application/json' };
      return (await fetch(`${inner}/trpc/tokens.create`, { method: 'POST', headers, body: '{"name":"x"}' })).status;
    };
    const origins = [
      proxy.url,
      proxy.url.replace('https', 'http'),
      inner,
      `http://localhost:${port}`,
      'https://localhost',
    ];
    const statuses: number[] = [];
    for (const origin of origins) statuses.push(await createToken(origin));
    expect(statuses).toEqual([200, 403, 403, 403, 403]);

    const socket = await openSocket(inner, { cookie, origin: proxy.url });
    expect(await socket.subscribe(1)).toMatchObject({ type: 'snapshot' });
    socket.close();
    await expect(openSocket(inner, { cookie, origin: `http://localhost:${port}` })).rejects.toThrow('refused with 403');
  });

  it('the server rejects the session in the cookie for plain HTTP', async () => {
    const [session] = await page.context().cookies(proxy.url);
    const headers = { cookie: `opencode-session=${session?.value}` };
    expect((await fetch(`http://127.0.0.1:${port}/trpc/auth.me`, { headers })).status).toBe(401);
  });

  it('signing out deletes the session cookie', async () => {
    await page.getByRole('button', { name: 'User A' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('link', { name: 'Sign in' }).waitFor();
    expect(new URL(page.url()).origin).toBe(proxy.url);
    expect((await page.context().cookies(proxy.url)).map(({ name }) => name)).not.toContain(sessionCookie);
  });

  it('no page violates the content security policy or loads anything without TLS except the issuer', () => {
    expect(problems).toEqual([]);
    const issuer = /http:\/\/127\.0\.0\.1:\d+/.exec(system.output())?.[0] ?? 'no issuer';
    const origins = new Set(
      requests
        .map(({ url }) => new URL(url))
        .filter(({ protocol }) => protocol !== 'data:')
        .map(({ origin }) => origin),
    );
    expect(origins).toEqual(new Set([proxy.url, issuer]));
  });

  it('no referrer contains a code, a state or a token', async () => {
    expect(requests.some(({ url }) => url.includes('/auth/callback?code='))).toBe(true);
    const referrers = await Promise.all(requests.map(async ({ headers }) => (await headers)['referer'] ?? ''));
    expect(referrers.some((referrer) => referrer.startsWith(proxy.url))).toBe(true);
    for (const referrer of referrers) expect(referrer).not.toMatch(/code=|state=|token=/);
  });
});
