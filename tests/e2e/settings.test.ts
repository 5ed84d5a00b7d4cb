import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { axeOn } from '../support/axe.ts';
import { hasBrowser, signIn, startBrowser, type Person } from '../support/browser.ts';
import { createDataDir, startSystem, type StartedSystem } from '../support/started-system.ts';

describe.runIf(hasBrowser)('the sessions of one person with several windows', { timeout: 60_000 }, () => {
  const { dataDir, remove } = createDataDir();
  let system: StartedSystem;
  let browser: Browser;
  let here: Person;

  async function signInAt(path = '/projects'): Promise<Person> {
    const person = await signIn(browser, { url: system.url, user: 'user-a', path });
    await person.page.locator('output[data-kind="live"]').waitFor();
    return person;
  }

  beforeAll(async () => {
    [system, browser] = await Promise.all([startSystem({ dataDir }), startBrowser()]);
    here = await signInAt('/settings/sessions');
  });

  /** Each test begins with this session and no other, whatever became of the one before. */
  beforeEach(async () => {
    await here.context.unrouteAll();
    for (const context of browser.contexts()) if (context !== here.context) await context.close();
    const { page } = here;
    const revoke = () =>
      fetch('/trpc/sessions.revokeOthers', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      }).then(({ status }) => status);
    await page.goto(`${system.url}/settings/sessions`);
    if ((await page.evaluate(revoke)) !== 200) here = await signInAt('/settings/sessions');
    else await page.reload();
    await untilRows(1);
  });
  afterAll(async () => {
    await browser?.close();
    await system?.end('SIGKILL');
    remove();
  });

  const rows = (page: Page) => page.getByRole('list', { name: 'Sessions' }).getByRole('listitem');
  const endButtons = (page: Page) => rows(page).getByRole('button', { name: /^Sign out Chrome on Linux/ });
  const untilRows = (amount: number) => expect.poll(() => rows(here.page).count(), { timeout: 10_000 }).toBe(amount);
  /** What the browser does when somebody turns to the window. */
  const turnTo = (page: Page) =>
    page.evaluate(() => document.dispatchEvent(new Event('visibilitychange', { bubbles: true })));

  /** Turns to the window until it has heard the news: one look may find an answer under way that is older. */
  const turnUntilRows = (amount: number) =>
    expect
      .poll(
        async () => {
          await turnTo(here.page);
          return rows(here.page).count();
        },
        { timeout: 10_000, interval: 300 },
      )
      .toBe(amount);
  async function endOthers(): Promise<void> {
    await here.page.getByRole('button', { name: 'Sign out other sessions' }).click();
    const dialog = here.page.getByRole('dialog', { name: 'Sign out other sessions' });
    await dialog.getByRole('button', { name: 'Sign out other sessions' }).click();
    await dialog.waitFor({ state: 'hidden' });
  }

  it('shows the only session as this device, and offers to end no other', async () => {
    const { page } = here;
    await rows(page).getByText('Chrome on Linux').waitFor();
    await rows(page).getByText('This device').waitFor();
    await page.getByText('You are signed in nowhere else.').waitFor();
    expect(await endButtons(page).count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Sign out other sessions' }).count()).toBe(0);
  });

  it('is reached from the menu of the person and from the tokens beside it', async () => {
    const { page } = here;
    await page.getByRole('button', { name: /^Account of/ }).click();
    await page.getByRole('menuitem', { name: 'Access tokens' }).click();
    await page.waitForURL('**/settings/tokens');
    const settings = page.getByRole('navigation', { name: 'Settings' });
    await settings.getByRole('link', { name: 'Sessions' }).press('Enter');
    await page.waitForURL('**/settings/sessions');
    await settings.locator('[aria-current="page"]', { hasText: 'Sessions' }).waitFor();
    await page.getByRole('button', { name: /^Account of/ }).click();
    await page.getByRole('menuitem', { name: 'Sessions' }).waitFor();
    await page.keyboard.press('Escape');
  });

  it('has no serious fault of accessibility, in light or dark, on a wide screen or a phone', async () => {
    await signInAt();
    const { page } = here;
    await turnUntilRows(2);
    for (const [colorScheme, width] of [
      ['light', 1280],
      ['dark', 375],
      ['light', 375],
      ['dark', 1280],
    ] as const) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await vi.waitFor(
        async () => {
          const { violations } = await axeOn(page).analyze();
          expect(violations.map(({ id, nodes }) => [colorScheme, id, nodes.map(({ html }) => html)])).toEqual([]);
        },
        { timeout: 10_000 }, // the colours take a moment to change
      );
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow).toBeLessThanOrEqual(0);
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  it('removes a session at once, puts it back when the server does not do it, and says so', async () => {
    await signInAt();
    const { page, context } = here;
    await turnUntilRows(2);
    const asked = Promise.withResolvers<void>();
    const mayFail = Promise.withResolvers<void>();
    await context.route('**/trpc/sessions.revoke*', async (route) => {
      asked.resolve();
      await mayFail.promise;
      await route.abort();
    });
    await context.route('**/trpc/*sessions.list*', (route) => route.abort()); // what comes back was not asked for anew
    await endButtons(page).click();
    await asked.promise;
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

  it('says that the list could not be loaded, or may be old, and loads it when asked again', async () => {
    const { page, context } = here;
    await context.route('**/trpc/*sessions.list*', (route) => route.abort());
    const again = page.getByRole('button', { name: 'Try again' });
    await vi.waitFor(
      async () => {
        await turnTo(page);
        await page.getByRole('alert').getByText('This list may be out of date.').waitFor({ timeout: 4_000 });
      },
      { timeout: 13_000 },
    );
    await rows(page).getByText('This device').waitFor();
    await page.reload();
    await page.getByRole('alert').getByText('Your sessions could not be loaded').waitFor();
    expect(await rows(page).count()).toBe(0);
    await context.unroute('**/trpc/*sessions.list*');
    await again.click();
    await untilRows(1);
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('ends a window elsewhere: its socket closes with 4401, it says so at once, and no typed text is lost', async () => {
    const there = await signInAt('/projects?new=');
    const closeCodes = await watchSockets(there);
    const dialog = there.page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Half a proj');

    await turnUntilRows(2);
    await endButtons(here.page).click();
    await there.page.getByText('Your session has ended. Sign in again').waitFor({ timeout: 5_000 });
    await vi.waitFor(() => expect(closeCodes).toContain(4401), 10_000);
    expect(new URL(there.page.url()).searchParams.get('returnTo')).toBe('/projects?new=');

    await there.page.getByRole('link', { name: 'Sign in' }).click();
    await there.page.waitForURL(`${system.url}/projects?new=`);
    expect(await dialog.getByLabel('Name').inputValue()).toBe('Half a proj');
    expect(there.problems).toEqual([]);
  });

  it('finds the name of a new token again that was typed when the session ended', async () => {
    const there = await signInAt('/settings/tokens');
    const dialog = there.page.getByRole('dialog');
    await there.page.getByRole('button', { name: 'New token' }).first().click();
    await dialog.getByLabel('Name').fill('Half a tok');
    await turnUntilRows(2);
    await endOthers();
    await there.page.getByText('Your session has ended.').waitFor();
    await there.page.getByRole('link', { name: 'Sign in' }).click();
    await there.page.waitForURL(`${system.url}/settings/tokens`);
    await there.page.getByRole('button', { name: 'New token' }).first().click();
    expect(await dialog.getByLabel('Name').inputValue()).toBe('Half a tok');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await there.page.getByRole('button', { name: 'New token' }).first().click();
    expect(await dialog.getByLabel('Name').inputValue()).toBe('');
  });

  it('ends all others after being asked, and stays signed in itself', async () => {
    const there = await signInAt();
    const { page } = here;
    await turnUntilRows(2);
    await page.getByRole('button', { name: 'Sign out other sessions' }).click();
    const dialog = page.getByRole('dialog', { name: 'Sign out other sessions' });
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await endOthers();
    await page.getByText('1 other session signed out.').waitFor();
    await untilRows(1);
    await there.page.getByText('Your session has ended.').waitFor();
  });

  it('signs out everywhere by the keyboard alone, after being asked, this window included', async () => {
    const there = await signInAt();
    const { page } = here;
    await turnUntilRows(2);
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
    await there.page.getByText('Your session has ended.').waitFor();
    for (const each of [page, there.page]) {
      await each.goto(`${system.url}/projects`);
      await each.getByRole('link', { name: 'Sign in' }).waitFor();
    }
    expect(here.problems.filter((problem) => !problem.includes('ERR_FAILED'))).toEqual([]); // those that a test broke
  });
});

/** Loads the page anew; from then on the code of each socket that closes in it is in the list. */
async function watchSockets({ page, context }: Person): Promise<number[]> {
  const codes: number[] = [];
  await context.exposeFunction('noteClose', (code: number) => codes.push(code));
  await context.addInitScript(() => {
    const { noteClose } = globalThis as unknown as { noteClose: (code: number) => void }; // put there just above
    globalThis.WebSocket = class extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        this.addEventListener('close', ({ code }) => noteClose(code));
      }
    };
  });
  await page.reload();
  await page.locator('output[data-kind="live"]').waitFor();
  return codes;
}
