/** Starts a real Chromium and opens windows in it. Each window has its own cookies, like a browser on another device. */

import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

import { findChromium } from './services.ts';

/** @throws Error when there is no Chromium. Test files check {@link hasBrowser} first. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === null) throw new Error('There is no Chromium on this machine.');
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** Without Chromium the browser tests are skipped, and the start of the test run says so. */
export const hasBrowser = findChromium() !== null;

export interface BrowserWindow {
  page: Page;
  context: BrowserContext;
  /** Uncaught errors and console errors of the page, such as violations of the content security policy. */
  problems: string[];
}

/** Opens a window without a signed-in user. */
export async function openWindow(browser: Browser): Promise<BrowserWindow> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    // The client asks who is signed in. Chromium logs the answer 401 as an error.
    if (message.type() === 'error' && !message.text().includes('401')) problems.push(message.text());
  });
  return { page, context, problems };
}

interface SignInOptions {
  url: string;
  /** A development user of the embedded issuer. */
  user: string;
  /** The page to open after sign-in. */
  path?: string;
}

/** Opens a window and signs the user in through the pages of the product and of the issuer. */
export async function signInByHand(browser: Browser, { url, user, path = '/' }: SignInOptions): Promise<BrowserWindow> {
  const window = await openWindow(browser);
  const { page } = window;
  await page.goto(`${url}${path}`);
  await page.getByRole('link', { name: 'Sign in' }).click();
  await page.getByLabel('User name').fill(user);
  await page.getByLabel('Password').fill(user);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL((address) => address.origin === url && !address.pathname.startsWith('/auth'));
  return window;
}

/**
 * Opens a window and signs the user in with the same requests as {@link signInByHand}, but without rendering the pages in
 * between. Use it where the test is not about sign-in.
 */
export async function signIn(browser: Browser, { url, user, path = '/' }: SignInOptions): Promise<BrowserWindow> {
  const window = await openWindow(browser);
  const { page, context } = window;
  const headers = { 'user-agent': await page.evaluate(() => navigator.userAgent) };
  const question = await context.request.get(`${url}/auth/login`, { headers });
  const origin = new URL(question.url()).origin;
  const answer = await context.request.post(question.url(), { form: { as: user }, headers: { ...headers, origin } });
  if (new URL(answer.url()).origin !== url) throw new Error(`The sign-in of ${user} ended at ${answer.url()}.`);
  await page.goto(`${url}${path}`);
  return window;
}
