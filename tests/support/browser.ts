/** A real Chromium, driven as a person would: one context a person or device. */

import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

import { findChromium } from './services.ts';

/** @throws Error when there is none; tests look at {@link hasBrowser} first */
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

/** Where there is none, the start of the test run says so. */
export const hasBrowser = findChromium() !== null;

export interface Person {
  page: Page;
  context: BrowserContext;
  /** What went wrong in the page by itself: uncaught errors, and console errors such as violations of the CSP. */
  problems: string[];
}

/** Opens a fresh context and signs in there through the issuer's own page. */
export async function signIn(browser: Browser, options: { url: string; user: string; path?: string }): Promise<Person> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000); // on a crowded machine a page takes its time
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    // Asking who is signed in before anybody is, is answered by 401: the browser logs that as an error by itself.
    if (message.type() === 'error' && !message.text().includes('401')) problems.push(message.text());
  });
  await page.goto(`${options.url}${options.path ?? '/'}`);
  await page.getByRole('link', { name: 'Sign in' }).click();
  await page.getByLabel('User name').fill(options.user);
  await page.getByLabel('Password').fill(options.user);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL((address) => address.origin === options.url && !address.pathname.startsWith('/auth'));
  return { page, context, problems };
}
