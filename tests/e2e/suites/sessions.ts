/** The sessions page: one user is signed in in several windows, and ends sessions from one of them. */

import type { Page } from 'playwright-core';
import { beforeAll, beforeEach, expect, it, vi } from 'vitest';

import { expectAccessible } from '../../support/axe.ts';
import type { BrowserWindow } from '../../support/browser.ts';
import { screenOf } from '../../support/screens.ts';
import type { StartedApp } from '../../support/started-app.ts';

const rows = (page: Page) => page.getByRole('list', { name: 'Sessions' }).getByRole('listitem');
const endButtons = (page: Page) => rows(page).getByRole('button', { name: /^Sign out Chrome on Linux/ });
const newTokenButton = (page: Page) => page.getByRole('button', { name: 'New token' }).first();

export function sessionsSuite(app: StartedApp): void {
  let here: BrowserWindow;
  const others: BrowserWindow[] = [];

  /** Opens another window of the same user, with a session of its own. */
  async function openOther(path = '/projects'): Promise<BrowserWindow> {
    const other = await app.openWindow('user-c', { path });
    others.push(other);
    await other.page.locator('output[data-kind="live"]').waitFor();
    return other;
  }

  beforeAll(async () => {
    here = await app.openWindow('user-c', { path: '/settings/sessions' });
  });

  /** Each test starts on the sessions page, with one session. */
  beforeEach(async () => {
    await here.context.unrouteAll();
    for (const other of others.splice(0)) await other.context.close();
    const headers = { origin: app.system.url };
    await here.context.request.post(`${app.system.url}/trpc/sessions.revokeOthers`, { headers, data: {} });
    await here.page.goto(`${app.system.url}/settings/sessions`);
    await untilRows(1);
  });

  const untilRows = (amount: number) => expect.poll(() => rows(here.page).count(), { timeout: 10_000 }).toBe(amount);

  /** What the browser does when the user returns to the window: the page loads the list again. */
  const returnToWindow = (page: Page) =>
    page.evaluate(() => document.dispatchEvent(new Event('visibilitychange', { bubbles: true })));

  /** Opens another window and waits until the sessions page lists it. */
  async function openListedOther(path?: string): Promise<BrowserWindow> {
    const other = await openOther(path);
    await returnToWindow(here.page);
    await untilRows(2);
    return other;
  }

  async function endOthers(): Promise<void> {
    await here.page.getByRole('button', { name: 'Sign out other sessions' }).click();
    const dialog = here.page.getByRole('dialog', { name: 'Sign out other sessions' });
    await dialog.getByRole('button', { name: 'Sign out other sessions' }).click();
    await dialog.waitFor({ state: 'hidden' });
  }

  it('shows the only session as this device and offers to end no other', async () => {
    const { page } = here;
    await rows(page).getByText('Chrome on Linux').waitFor();
    await rows(page).getByText('This device').waitFor();
    await page.getByText('You are not signed in anywhere else.').waitFor();
    expect(await endButtons(page).count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Sign out other sessions' }).count()).toBe(0);
  });

  it('can be reached from the user menu and from the other settings pages', async () => {
    const { page } = here;
    await page.getByRole('button', { name: /^Account of/ }).click();
    await page.getByRole('menuitem', { name: 'Access tokens' }).click();
    await page.waitForURL('**/settings/tokens');
    // The page before it is shown until its code is loaded, and takes the focus with it.
    await page.getByRole('heading', { name: 'Access tokens' }).waitFor();
    const settings = page.getByRole('navigation', { name: 'Settings' });
    await settings.getByRole('link', { name: 'Sessions' }).press('Enter');
    await page.waitForURL('**/settings/sessions');
    await settings.locator('[aria-current="page"]', { hasText: 'Sessions' }).waitFor();
    await page.getByRole('button', { name: /^Account of/ }).click();
    await page.getByRole('menuitem', { name: 'Sessions' }).waitFor();
    await page.keyboard.press('Escape');
  });

  it('is accessible and does not scroll sideways with several sessions, in light, in dark and on a phone', async () => {
    await openListedOther();
    await expectAccessible(here.page, { onShown: screenOf(here.page, 'settings-sessions') });
    await here.page.setViewportSize({ width: 1280, height: 800 });
  });

  it('removes an ended session at once, and restores it with a message when the request fails', async () => {
    await openListedOther();
    const { page, context } = here;
    const requested = Promise.withResolvers<void>();
    const mayFail = Promise.withResolvers<void>();
    await context.route('**/trpc/sessions.revoke*', async (route) => {
      requested.resolve();
      await mayFail.promise;
      await route.abort();
    });
    await context.route('**/trpc/*sessions.list*', (route) => route.abort()); // the row is restored without loading the list
    await endButtons(page).click();
    await requested.promise;
    await untilRows(1);
    expect(await page.getByRole('list', { name: 'Sessions' }).evaluate((list) => list === document.activeElement)).toBe(
      true,
    );
    mayFail.resolve();
    await page.getByRole('alert').getByText('Chrome on Linux could not be signed out').waitFor();
    await untilRows(2);
    await context.unrouteAll();
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await endButtons(page).click();
    await page.getByText('Chrome on Linux is signed out.').waitFor();
    await untilRows(1);
  });

  it('keeps the list and says that it may be out of date when it cannot be loaded again', async () => {
    const { page, context } = here;
    await context.route('**/trpc/*sessions.list*', (route) => route.abort());
    await returnToWindow(page);
    await page.getByRole('alert').getByText('This list may be out of date.').waitFor();
    await rows(page).getByText('This device').waitFor();
    await context.unrouteAll();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('alert').waitFor({ state: 'detached' });
    await untilRows(1);
  });

  it('says that the list could not be loaded, and loads it with "Try again"', async () => {
    const { page, context } = here;
    await context.route('**/trpc/*sessions.list*', (route) => route.abort());
    await page.reload();
    await page.getByRole('alert').getByText('Your sessions could not be loaded').waitFor();
    expect(await rows(page).count()).toBe(0);
    await context.unrouteAll();
    await page.getByRole('button', { name: 'Try again' }).click();
    await untilRows(1);
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('ends another session: its socket closes with 4401, its window says so, and its typed text is kept', async () => {
    const other = await openOther('/projects?new=');
    const closeCodes = await recordCloseCodes(other);
    const dialog = other.page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Half a proj');
    await returnToWindow(here.page);
    await untilRows(2);

    await endButtons(here.page).click();
    await other.page.getByText('Your session has ended. Sign in again').waitFor({ timeout: 5_000 });
    await vi.waitFor(() => expect(closeCodes).toContain(4401), 10_000);
    expect(new URL(other.page.url()).searchParams.get('returnTo')).toBe('/projects?new=');

    await other.page.getByRole('link', { name: 'Sign in' }).click();
    await other.page.waitForURL(`${app.system.url}/projects?new=`);
    expect(await dialog.getByLabel('Name').inputValue()).toBe('Half a proj');
    expect(other.problems).toEqual([]);
  });

  it('keeps the name of a new token that was typed when the session ended', async () => {
    const { page } = await openListedOther('/settings/tokens');
    const name = page.getByRole('dialog').getByLabel('Name');
    await newTokenButton(page).click();
    await name.fill('Half a tok');
    await endOthers();
    await page.getByText('Your session has ended.').waitFor();
    await page.getByRole('link', { name: 'Sign in' }).click();
    await page.waitForURL(`${app.system.url}/settings/tokens`);
    await newTokenButton(page).click();
    expect(await name.inputValue()).toBe('Half a tok');
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await newTokenButton(page).click();
    expect(await name.inputValue()).toBe('');
  });

  it('ends all other sessions after a confirmation, and keeps this one', async () => {
    const other = await openListedOther();
    const { page } = here;
    await page.getByRole('button', { name: 'Sign out other sessions' }).click();
    const dialog = page.getByRole('dialog', { name: 'Sign out other sessions' });
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await endOthers();
    await page.getByText('1 other session signed out.').waitFor();
    await untilRows(1);
    await other.page.getByText('Your session has ended.').waitFor();
  });

  it('ends all sessions by keyboard after a confirmation, this one included', async () => {
    const other = await openListedOther();
    const { page } = here;
    await page.getByRole('button', { name: 'Sign out everywhere' }).press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Sign out everywhere' });
    await dialog.getByText('this one included').waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await untilRows(2);
    await page.getByRole('button', { name: 'Sign out everywhere' }).press('Enter');
    await dialog.getByRole('button', { name: 'Cancel' }).press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('You are signed out on every device.').waitFor();
    await other.page.getByText('Your session has ended.').waitFor();
    for (const each of [page, other.page]) {
      await each.goto(`${app.system.url}/projects`);
      await each.getByRole('link', { name: 'Sign in' }).waitFor();
    }
    // Chromium logs the requests that the tests have aborted.
    expect(here.problems.filter((problem) => !problem.includes('ERR_FAILED'))).toEqual([]);
  });
}

/** Reloads the page. From then on the returned list receives the close code of each of its sockets. */
async function recordCloseCodes({ page, context }: BrowserWindow): Promise<number[]> {
  const codes: number[] = [];
  await context.exposeFunction('recordCloseCode', (code: number) => codes.push(code));
  await context.addInitScript(() => {
    // `exposeFunction` has set it.
    const { recordCloseCode } = globalThis as unknown as { recordCloseCode: (code: number) => void };
    globalThis.WebSocket = class extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        this.addEventListener('close', ({ code }) => recordCloseCode(code));
      }
    };
  });
  await page.reload();
  await page.locator('output[data-kind="live"]').waitFor();
  return codes;
}
