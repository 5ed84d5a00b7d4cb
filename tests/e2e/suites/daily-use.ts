/** What users do every day: optimistic updates, editing in place, the keyboard, settings, an outage of the network, and no polling. */

import type { Page, Route } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';

import type { Client } from '../../../src/shared/sdk/client.ts';
import type { BrowserWindow } from '../../support/browser.ts';
import type { StartedApp } from '../../support/started-app.ts';

const paletteField = (page: Page) => page.getByRole('combobox', { name: 'Find a project or a command' });
const focusedLabel = (page: Page) => page.evaluate(() => document.activeElement?.getAttribute('aria-label'));

/** Holds the next call of a procedure until it is continued or aborted. */
async function holdCall(page: Page, procedure: string) {
  const pattern = `**/trpc/${procedure}**`;
  const held = Promise.withResolvers<Route>();
  await page.route(pattern, (route) => held.resolve(route));
  return {
    async continue() {
      await (await held.promise).continue();
      await page.unroute(pattern);
    },
    async abort() {
      await (await held.promise).abort();
      await page.unroute(pattern);
    },
  };
}

export function dailyUseSuite(app: StartedApp): void {
  let client: Client;
  let window: BrowserWindow;
  let page: Page;
  let id: string;

  beforeAll(async () => {
    client = await app.client('user-b');
    ({ id } = await client.projects.create({ name: 'Alpha', description: 'The first' }));
    await client.waitFor(id, ({ status }) => status === 'ready', { timeoutMs: 60_000 });
    window = await app.openWindow('user-b');
    ({ page } = window);
  });
  afterAll(async () => {
    const { items } = await client.projects.list();
    for (const { id: projectId } of items) await client.projects.delete(projectId);
  });

  const card = (name: string) => page.getByRole('article', { name });
  const badge = (text: string) => page.getByRole('main').locator('[data-status]', { hasText: text }).first();
  const open = async (path: string): Promise<void> => {
    await page.goto(`${app.system.url}${path}`);
    await page.getByText('Live', { exact: true }).waitFor();
  };
  it('shows a stop at once, and reverts it with a message when the request fails', async () => {
    await open(`/projects/${id}`);
    const call = await holdCall(page, 'projects.stop');
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await badge('Stopping').waitFor();
    await call.abort();
    await badge('Running').waitFor();
    await page.getByRole('alert').getByText('“Alpha” could not be stopped').waitFor();
    await page.getByRole('button', { name: 'Dismiss' }).click();
    expect((await client.projects.get(id)).status).toBe('ready');
  });

  it('shows a new name at once, and opens the field again with the text when the server refuses it', async () => {
    await client.projects.create({ name: 'Taken' });
    await page.getByRole('button', { name: 'Edit the name' }).click();
    const field = page.getByRole('textbox', { name: 'Name' });
    await field.fill('taken');
    const call = await holdCall(page, 'projects.update');
    await field.press('Enter');
    await page.getByRole('heading', { name: 'taken' }).waitFor();
    await call.continue();
    await page.getByText(/already have a project/).waitFor();
    expect(await field.inputValue()).toBe('taken');
    await field.press('Escape');
    await page.getByRole('heading', { name: 'Alpha' }).waitFor();
    expect(await focusedLabel(page)).toBe('Edit the name');
  });

  it('keeps typed text through a reload, and validates it before it is sent', async () => {
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

  it('edits the repository in place', async () => {
    await page.getByRole('button', { name: 'Edit the repository URL' }).click();
    await page.getByRole('textbox', { name: 'Repository URL' }).fill('https://example.org/team/alpha');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('link', { name: 'example.org/team/alpha' }).waitFor();
    await expect.poll(async () => (await client.projects.get(id)).repoUrl).toBe('https://example.org/team/alpha');
  });

  it('requires the name before a deletion for good, and reverts the deletion when the request fails', async () => {
    await open('/projects');
    await page.getByRole('button', { name: 'Actions for Taken' }).click();
    await page.getByRole('menuitem', { name: 'Delete…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Delete for good instead' }).click();
    await dialog.getByLabel('to confirm').fill('Alpha');
    await dialog.getByLabel('to confirm').press('Enter');
    await dialog.getByText('This is not the name of the project').waitFor();
    const call = await holdCall(page, 'projects.delete');
    await dialog.getByLabel('to confirm').fill('Taken');
    await dialog.getByRole('button', { name: 'Delete project' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await card('Taken').getByText('Deleting').waitFor();
    await call.abort();
    await card('Taken').locator('[data-status="ready"], [data-status="initializing"]').waitFor();
    await page.getByRole('alert').getByText('“Taken” could not be deleted').waitFor();
    await page.getByRole('button', { name: 'Dismiss' }).click();
  });

  it('creates, finds, renames, stops and deletes a project with the keyboard alone', async () => {
    await open('/projects');
    const { keyboard } = page;
    // A retry of this test needs other names: the projects of the failed run may still exist.
    const number = Date.now() % 100_000;
    const [name, renamed] = [`By keys ${number}`, `Renamed ${number}`];
    const untilFocused = () => page.getByRole('dialog').locator('input:focus').waitFor();
    await keyboard.press('c');
    await untilFocused();
    await keyboard.type(name);
    await keyboard.press('Enter');
    await card(name).waitFor();
    await page.getByRole('dialog').waitFor({ state: 'hidden' });

    const runAction = async (query: string): Promise<void> => {
      // An experienced user types without waiting for the palette to appear.
      await keyboard.press('Control+k');
      await keyboard.type(query);
      await keyboard.press('Enter');
      await paletteField(page).waitFor({ state: 'hidden' });
    };
    await keyboard.press('Control+k');
    await page.getByRole('option', { name }).waitFor();
    await keyboard.press('Escape');
    await paletteField(page).waitFor({ state: 'hidden' });
    await runAction(name.toLowerCase());
    await page.getByRole('heading', { name, level: 1 }).waitFor();
    await badge('Running').waitFor();

    await runAction('rename');
    await page.getByRole('textbox', { name: 'Name' }).waitFor();
    await keyboard.press('Control+a');
    await keyboard.type(renamed);
    await keyboard.press('Enter');
    await page.getByRole('heading', { name: renamed, level: 1 }).waitFor();

    await runAction('stop');
    await badge('Stopped').waitFor();
    await runAction('delete');
    const moveToTrash = page.getByRole('dialog').getByRole('button', { name: 'Move to trash' });
    await moveToTrash.and(page.locator(':focus')).waitFor();
    await keyboard.press('Enter');
    await page.getByText('Will be deleted in 7 days').waitFor();
    await runAction('delete');
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

  it('opens a menu by keyboard, and returns the focus to its button', async () => {
    await open('/projects');
    const button = page.getByRole('button', { name: 'Actions for Alpha' });
    await button.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Open', exact: true }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Escape');
    await page.getByRole('menu').waitFor({ state: 'hidden' });
    expect(await focusedLabel(page)).toBe('Actions for Alpha');
  });

  it('ignores single-letter shortcuts that are turned off, but not Control and K', async () => {
    await open('/settings/appearance');
    await page.getByRole('switch', { name: 'Single-letter shortcuts' }).uncheck();
    await page.locator('main').focus();
    await page.keyboard.press('c');
    await page.keyboard.press('Control+k');
    await paletteField(page).waitFor();
    expect(new URL(page.url()).pathname).toBe('/settings/appearance');
    await page.keyboard.press('Escape');
    await paletteField(page).waitFor({ state: 'hidden' });
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('MAIN');
    await page.getByRole('switch', { name: 'Single-letter shortcuts' }).check();
  });

  it('keeps the chosen theme, and follows the system again when that is chosen', async () => {
    const scheme = () => page.evaluate(() => document.documentElement.dataset['mantineColorScheme']);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.getByRole('radio', { name: 'Dark' }).check();
    await page.reload();
    await page.getByRole('radio', { name: 'Dark' }).waitFor();
    expect(await scheme()).toBe('dark');
    await page.getByRole('radio', { name: 'System' }).check();
    expect(await scheme()).toBe('light');
  });

  it('says that it is offline, keeps its content, and becomes live again without a reload', async () => {
    await open('/projects');
    await card('Alpha').waitFor();
    await window.context.setOffline(true);
    try {
      await page.getByText('You are offline.').waitFor();
      await card('Alpha').waitFor();
    } finally {
      await window.context.setOffline(false);
    }
    await page.getByText('You are offline.').waitFor({ state: 'hidden' });
    await page.getByText('Live', { exact: true }).waitFor();
  });

  it('sends no request for a minute in which nothing happens', async () => {
    await page.clock.install();
    let unanswered = 0;
    page.on('websocket', (socket) => {
      unanswered = 0;
      socket.on('framesent', ({ payload }) => void (unanswered += payload === 'PING' ? 1 : 0));
      socket.on('framereceived', ({ payload }) => void (unanswered -= payload === 'PONG' ? 1 : 0));
    });
    const requests: string[] = [];
    for (const path of ['/projects', `/projects/${id}`]) {
      await open(path);
      await badge('Running').waitFor();
      const record = (request: { url(): string }) => requests.push(`${path}: ${request.url()}`);
      page.on('request', record);
      // The server answers in real time: the minute must not pass while an answer is on its way.
      for (let step = 0; step < 120; step += 1) {
        await page.clock.runFor(500);
        await expect.poll(() => unanswered).toBe(0);
      }
      page.off('request', record);
    }
    expect(requests).toEqual([]);
  });

  it('causes no error in the console of the page', () => {
    // Chromium logs the requests that the tests have aborted.
    expect(window.problems.filter((problem) => !/Failed to load resource|ERR_|WebSocket/.test(problem))).toEqual([]);
  });
}
