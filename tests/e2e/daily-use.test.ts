/** What people do all day, and how the page answers at once, by the keyboard alone, without a network, and for a minute of nothing. */

import type { Browser, Page, Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Client } from '../../src/shared/sdk/client.ts';
import { hasBrowser, signIn, startBrowser, type Person } from '../support/browser.ts';
import { createSdkClient } from '../support/sdk-client.ts';
import { createDataDir, startSystem, type StartedSystem } from '../support/started-system.ts';

describe.runIf(hasBrowser)('a day of work', { timeout: 60_000 }, () => {
  const { dataDir, remove } = createDataDir();
  let system: StartedSystem;
  let browser: Browser;
  let client: Client;
  let person: Person;
  let page: Page;
  let id: string;

  beforeAll(async () => {
    [system, browser] = await Promise.all([startSystem({ dataDir }), startBrowser()]);
    client = await createSdkClient(system, 'user-a');
    ({ id } = await client.projects.create({ name: 'Alpha', description: 'The first' }));
    await client.waitFor(id, ({ status }) => status === 'ready', { timeoutMs: 60_000 });
    person = await signIn(browser, { url: system.url, user: 'user-a' });
    ({ page } = person);
  });

  afterAll(async () => {
    await client?.close();
    await browser?.close();
    await system?.end('SIGKILL');
    remove();
  });

  const card = (name: string) => page.getByRole('article', { name });
  const badge = (text: string) => page.getByRole('main').locator('[data-status]', { hasText: text }).first();
  const open = async (path: string): Promise<void> => {
    await page.goto(`${system.url}${path}`);
    await page.getByText('Live', { exact: true }).waitFor();
  };
  /** Holds each call of this procedure until it is let go, or answered otherwise. */
  async function holdCalls(procedure: string) {
    const held = Promise.withResolvers<Route>();
    await page.route(`**/trpc/${procedure}**`, (route) => held.resolve(route));
    return {
      letGo: async () => {
        await (await held.promise).continue();
        await page.unroute(`**/trpc/${procedure}**`);
      },
      cut: async () => {
        await (await held.promise).abort();
        await page.unroute(`**/trpc/${procedure}**`);
      },
    };
  }

  it('shows a stop at once, and takes it back with a sentence when it does not reach the server', async () => {
    await open(`/projects/${id}`);
    const call = await holdCalls('projects.stop');
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await badge('Stopping').waitFor();
    await call.cut();
    await badge('Running').waitFor();
    await page.getByRole('alert').getByText('“Alpha” could not be stopped').waitFor();
    await page.getByRole('button', { name: 'Dismiss' }).click();
    expect((await client.projects.get(id)).status).toBe('ready');
  });

  it('shows a new name at once where it is edited, and gives the text back when it is refused', async () => {
    await client.projects.create({ name: 'Taken' });
    await page.getByRole('button', { name: 'Edit the name' }).click();
    const field = page.getByRole('textbox', { name: 'Name' });
    await field.fill('taken');
    const call = await holdCalls('projects.update');
    await field.press('Enter');
    await page.getByRole('heading', { name: 'taken' }).waitFor();
    await call.letGo();
    await page.getByText(/already have a project/).waitFor();
    expect(await field.inputValue()).toBe('taken');
    await field.press('Escape');
    await page.getByRole('heading', { name: 'Alpha' }).waitFor();
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Edit the name');
  });

  it('keeps what was typed through a reload, and says what is wrong before it is sent', async () => {
    await page.getByRole('button', { name: 'Edit the description' }).click();
    await page.getByRole('textbox', { name: 'Description' }).fill('Half a thou');
    await page.reload();
    const field = page.getByRole('textbox', { name: 'Description' });
    await field.waitFor();
    expect(await field.inputValue()).toBe('Half a thou');
    await field.fill('x'.repeat(2_001));
    await page.getByText(/at most 2,?000 characters/).waitFor();
    await field.fill('A whole thought');
    await field.press('Control+Enter');
    await page.getByText('A whole thought').waitFor();
    await expect.poll(async () => (await client.projects.get(id)).description).toBe('A whole thought');
  });

  it('changes the repository where it stands', async () => {
    await page.getByRole('button', { name: 'Edit the repository URL' }).click();
    await page.getByRole('textbox', { name: 'Repository URL' }).fill('https://example.org/team/alpha');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('link', { name: 'example.org/team/alpha' }).waitFor();
    await expect.poll(async () => (await client.projects.get(id)).repoUrl).toBe('https://example.org/team/alpha');
  });

  it('asks for the name before it deletes, and takes the deletion back when it does not reach the server', async () => {
    await open('/projects');
    await page.getByRole('button', { name: 'Actions for Taken' }).click();
    await page.getByRole('menuitem', { name: 'Delete…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('to confirm').fill('Alpha');
    await dialog.getByLabel('to confirm').press('Enter');
    await dialog.getByText('This is not the name of the project').waitFor();
    const call = await holdCalls('projects.delete');
    await dialog.getByLabel('to confirm').fill('Taken');
    await dialog.getByRole('button', { name: 'Delete project' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await card('Taken').getByText('Deleting').waitFor();
    await call.cut();
    await card('Taken').locator('[data-status="ready"], [data-status="initializing"]').waitFor();
    await page.getByRole('alert').getByText('“Taken” could not be deleted').waitFor();
    await page.getByRole('button', { name: 'Dismiss' }).click();
  });

  it('does everything by the keyboard alone: find, create, edit, stop, delete', async () => {
    await open('/projects');
    const { keyboard } = page;
    // Another name at each try: what an earlier one has left is still there.
    const number = Date.now() % 100_000;
    const [name, renamed] = [`By keys ${number}`, `Renamed ${number}`];
    const untilFocused = () => page.getByRole('dialog').locator('input:focus').waitFor();
    await keyboard.press('c');
    await untilFocused();
    await keyboard.type(name);
    await keyboard.press('Enter');
    await card(name).waitFor();
    await page.getByRole('dialog').waitFor({ state: 'hidden' });

    const command = async (words: string): Promise<void> => {
      const field = page.getByRole('combobox', { name: 'Find a project or a command' });
      // Whoever knows the way waits for nothing.
      await keyboard.press('Control+k');
      await keyboard.type(words);
      await keyboard.press('Enter');
      await field.waitFor({ state: 'hidden' });
    };
    await keyboard.press('Control+k');
    await page.getByRole('option', { name }).waitFor();
    await keyboard.press('Escape');
    await page.getByRole('combobox', { name: 'Find a project or a command' }).waitFor({ state: 'hidden' });
    await command(name.toLowerCase());
    await page.getByRole('heading', { name, level: 1 }).waitFor();
    await badge('Running').waitFor();

    await command('rename');
    await page.getByRole('textbox', { name: 'Name' }).waitFor();
    await keyboard.press('Control+a');
    await keyboard.type(renamed);
    await keyboard.press('Enter');
    await page.getByRole('heading', { name: renamed, level: 1 }).waitFor();

    await command('stop');
    await badge('Stopped').waitFor();
    await command('delete');
    await untilFocused();
    await keyboard.type(renamed);
    await keyboard.press('Enter');
    await badge('Deleted').waitFor();

    await keyboard.press('g');
    await keyboard.press('p');
    await card('Alpha').waitFor();
    expect(await card(renamed).count()).toBe(0);
    await keyboard.press('/');
    await keyboard.type('no such');
    await page.getByText('No project matches').waitFor();
    await keyboard.press('Escape');
  });

  it('reaches menus and their items by Tab and arrows, and returns to where it was', async () => {
    await open('/projects');
    const button = page.getByRole('button', { name: 'Actions for Alpha' });
    await button.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Open' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Escape');
    await page.getByRole('menu').waitFor({ state: 'hidden' });
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Actions for Alpha');
  });

  it('listens to no single letter any more once that is switched off, but still to Control and K', async () => {
    await open('/settings/appearance');
    await page.getByRole('switch', { name: 'Shortcuts of single letters' }).uncheck();
    await page.locator('main').focus();
    await page.keyboard.press('c');
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Find a project' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/settings/appearance');
    await page.keyboard.press('Escape');
    await page.getByRole('combobox', { name: 'Find a project' }).waitFor({ state: 'hidden' });
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('MAIN');
    await page.getByRole('switch', { name: 'Shortcuts of single letters' }).check();
  });

  it('keeps the theme that was chosen, and follows the system again when asked to', async () => {
    const scheme = () => page.evaluate(() => document.documentElement.dataset['mantineColorScheme']);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.getByRole('radio', { name: 'Dark' }).check();
    await page.reload();
    await page.getByRole('radio', { name: 'Dark' }).waitFor();
    expect(await scheme()).toBe('dark');
    await page.getByRole('radio', { name: 'System' }).check();
    expect(await scheme()).toBe('light');
  });

  it('says that it is offline, keeps what it knows, and is live again by itself', async () => {
    await open('/projects');
    await card('Alpha').waitFor();
    await person.context.setOffline(true);
    try {
      await page.getByText('You are offline.').waitFor();
      await card('Alpha').waitFor();
    } finally {
      await person.context.setOffline(false);
    }
    await page.getByText('You are offline.').waitFor({ state: 'hidden' });
    await page.getByText('Live', { exact: true }).waitFor();
  });

  it('asks for nothing while nothing happens: a minute with the page open is a minute without a request', async () => {
    await page.clock.install();
    const requests: string[] = [];
    for (const path of ['/projects', `/projects/${id}`]) {
      await open(path);
      await badge('Running').waitFor();
      const note = (request: { url(): string }) => requests.push(`${path}: ${request.url()}`);
      page.on('request', note);
      await page.clock.runFor('01:00');
      page.off('request', note);
    }
    expect(requests).toEqual([]);
  });

  it('never ran into an error of its own', () => {
    // The calls that were cut off are logged by the browser itself.
    expect(person.problems.filter((problem) => !/Failed to load resource|ERR_|WebSocket/.test(problem))).toEqual([]);
  });
});
