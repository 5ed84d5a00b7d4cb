/** The board of tasks: moved by pointer, keys and menu, live in two windows, taken back when refused. The project is stopped. */

import type { Page, Route } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';

import type { Task } from '../../../src/shared/contract/tasks.ts';
import type { Client } from '../../../src/shared/sdk/client.ts';
import { expectAccessible, showTheme } from '../../support/axe.ts';
import type { BrowserWindow } from '../../support/browser.ts';
import { screenOf } from '../../support/screens.ts';
import type { StartedApp } from '../../support/started-app.ts';

type Column = Task['state'];

const cards = (page: Page, state: Column) => page.locator(`[data-column="${state}"] [data-task-id]`);
const card = (page: Page, title: string) => page.getByRole('listitem').filter({ has: link(page, title) });
const link = (page: Page, title: string) => page.getByRole('link', { name: title, exact: true });
/** The titles of a column, from top to bottom. */
const titles = (page: Page, state: Column) => cards(page, state).locator('h3').allTextContents();
const expectTitles = (page: Page, state: Column, expected: string[]) =>
  expect.poll(() => titles(page, state), { timeout: 10_000 }).toEqual(expected);

/** Drags a card above another one, or into an empty column, and holds it there. */
async function drag(page: Page, title: string, state: Column, above?: string): Promise<void> {
  const from = await card(page, title).boundingBox();
  const column = await page.locator(`[data-column="${state}"]`).boundingBox();
  const target = above === undefined ? column : await card(page, above).boundingBox();
  if (from === null || column === null || target === null) throw new Error('The board is not in view.');
  await page.mouse.move(from.x + 30, from.y + 14);
  await page.mouse.down();
  await page.mouse.move(column.x + 40, target.y + 4, { steps: 6 });
  await page.locator(`[data-column="${state}"][data-target]`).waitFor();
}

export function boardSuite(app: StartedApp): void {
  let client: Client;
  let projectId: string;
  let window: BrowserWindow;
  let page: Page;
  let other: Page;

  beforeAll(async () => {
    client = await app.client('user-b');
    ({ id: projectId } = await client.projects.create({ name: 'Board' }));
    await client.projects.stop(projectId);
    for (const title of ['One', 'Two', 'Three']) await client.tasks.create({ projectId, title });
    await client.tasks.create({ projectId, title: 'Finished', state: 'DONE', priority: 'urgent' });
    const path = `/projects/${projectId}/tasks`;
    window = await app.openWindow('user-b', { path });
    ({ page } = window);
    ({ page: other } = await app.openWindow('user-b', { path }));
    for (const each of [page, other]) {
      await each.emulateMedia({ reducedMotion: 'reduce' });
      await link(each, 'Finished').waitFor();
    }
  });

  const order = async (state: Column) =>
    (await client.tasks.list(projectId)).filter((task) => task.state === state).map(({ title }) => title);

  it('moves a dragged task to the shown place, in every window, and a click on it still opens it', async () => {
    await page.getByRole('region', { name: 'Board' }).evaluate((board) => board.scrollIntoView());
    await drag(page, 'Three', 'TODO', 'One');
    await page.mouse.up();
    await expectTitles(page, 'TODO', ['Three', 'One', 'Two']);
    await expectTitles(other, 'TODO', ['Three', 'One', 'Two']);
    await drag(page, 'One', 'AI_REVIEW');
    await page.keyboard.press('Escape');
    await page.mouse.up();
    await expectTitles(page, 'AI_REVIEW', []);
    await drag(page, 'One', 'AI_REVIEW');
    await page.mouse.up();
    await expectTitles(other, 'AI_REVIEW', ['One']);
    expect(await page.getByRole('complementary').count()).toBe(0);
    await link(page, 'One').click();
    await page.getByRole('complementary', { name: 'Task: One' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('complementary').waitFor({ state: 'detached' });
    expect(await order('TODO')).toEqual(['Three', 'Two']);
  });

  it('moves a task by keys, says where it is, and keeps the focus on it', async () => {
    const { keyboard } = page;
    const says = (text: string) => page.locator('output', { hasText: text }).waitFor();
    await link(page, 'Three').focus();
    await keyboard.press('ArrowDown');
    await keyboard.press('Space');
    await says('“Two” is lifted. To do, place 2 of 2.');
    await keyboard.press('ArrowRight');
    await says('In progress, place 1 of 1');
    await keyboard.press('Escape');
    await says('“Two” was put back.');
    await keyboard.press('Space');
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowUp']) await keyboard.press(key);
    await keyboard.press('Space');
    await says('“Two” was dropped. AI review, place 1 of 2.');
    await expectTitles(page, 'AI_REVIEW', ['Two', 'One']);
    await expectTitles(other, 'AI_REVIEW', ['Two', 'One']);
    const focused = () => page.evaluate(() => document.activeElement?.textContent);
    await expect.poll(focused).toBe('Two');
    await keyboard.press('ArrowRight');
    await expect.poll(focused).toBe('Finished');
  });

  it('shows a move at once, and takes it back with a message when it fails', async () => {
    const held = Promise.withResolvers<Route>();
    await page.route('**/trpc/tasks.move**', (route) => held.resolve(route));
    await card(page, 'Three').getByRole('button', { name: 'Actions for' }).click();
    await page.getByRole('menuitem', { name: 'Move to' }).press('ArrowRight');
    await page.getByRole('menuitem', { name: 'Done' }).click();
    await expectTitles(page, 'DONE', ['Three', 'Finished']);
    await (await held.promise).abort();
    await expectTitles(page, 'DONE', ['Finished']);
    await page.getByRole('alert').getByText('The task could not be moved').waitFor();
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await page.unroute('**/trpc/tasks.move**');
  });

  it('shows the same order in two windows that have moved tasks at the same time', async () => {
    const toTop = async (at: Page, title: string): Promise<void> => {
      await link(at, title).focus();
      for (const key of ['Space', 'ArrowRight', 'ArrowRight', 'Home', 'Space']) await at.keyboard.press(key);
    };
    await Promise.all([toTop(page, 'One'), toTop(other, 'Two')]);
    await expect.poll(async () => (await order('DONE')).length, { timeout: 10_000 }).toBe(3);
    const expected = await order('DONE');
    await expectTitles(page, 'DONE', expected);
    await expectTitles(other, 'DONE', expected);
  });

  it('creates, filters, changes and deletes tasks', async () => {
    await page.keyboard.press('n');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Title' }).fill('Fourth');
    await dialog.getByRole('button', { name: 'Create', exact: true }).click();
    await expectTitles(page, 'TODO', ['Three', 'Fourth']);
    await page.getByRole('button', { name: 'Add a task at the top of “To do”' }).click();
    await dialog.getByRole('textbox', { name: 'Title' }).fill('First');
    await dialog.getByRole('combobox', { name: 'Priority' }).selectOption('high');
    await dialog.getByRole('button', { name: 'Create', exact: true }).click();
    await expectTitles(other, 'TODO', ['First', 'Three', 'Fourth']);
    await page.keyboard.press('/');
    await page.keyboard.type('f');
    await page.getByRole('combobox', { name: 'Priority' }).selectOption('high');
    await page.getByText('1 found').waitFor();
    await expectTitles(page, 'TODO', ['First']);
    const address = () => Object.fromEntries(new URL(page.url()).searchParams);
    await expect.poll(address).toEqual({ q: 'f', priority: 'high' }); // opening it again restores the filter
    await expectTitles(page, 'DONE', []);

    await link(page, 'First').press('Enter');
    const panel = page.getByRole('complementary', { name: 'Task: First' });
    await panel.getByRole('button', { name: 'Edit the title' }).click();
    await panel.getByRole('textbox', { name: 'Title' }).fill('Renamed');
    await panel.getByRole('textbox', { name: 'Title' }).press('Enter');
    await page.getByRole('button', { name: 'Clear the filter' }).click();
    await expectTitles(other, 'TODO', ['Renamed', 'Three', 'Fourth']);
    await page.getByRole('complementary', { name: 'Task: Renamed' }).getByRole('button', { name: 'Delete' }).click();
    await dialog.getByRole('button', { name: 'Delete task' }).click();
    await expectTitles(other, 'TODO', ['Three', 'Fourth']);
    await page.getByRole('complementary').waitFor({ state: 'detached' });
  });

  it('gives the focus to the next card when a task is deleted, and to its card when a panel is closed', async () => {
    const focused = () => page.evaluate(() => document.activeElement?.textContent);
    await expect.poll(focused).toBe('Three'); // the next card after the one that was deleted in its panel
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Close the task' }).press('Enter');
    await expect.poll(focused).toBe('Three');
    // Deleted by keys, and the panel of the next one in another window.
    await page.keyboard.press('Delete');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete task' }).press('Enter');
    await expectTitles(page, 'TODO', ['Fourth']);
    await expect.poll(focused).toBe('Fourth');
    await page.keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'Task: Fourth' }).waitFor();
    const [fourth] = (await client.tasks.list(projectId)).filter(({ title }) => title === 'Fourth');
    await client.tasks.delete(fourth?.id ?? '');
    await page.getByRole('complementary').waitFor({ state: 'detached' });
    const label = () => page.evaluate(() => document.activeElement?.ariaLabel);
    await expect.poll(label).toBe('Add a task at the top of “To do”');
  });

  it('moves a card that a finger rests on, and scrolls when the finger moves at once', async () => {
    const touch = await page.context().newCDPSession(page);
    const send = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...touchPoints: { x: number; y: number }[]) =>
      touch.send('Input.dispatchTouchEvent', { type, touchPoints });
    await page.evaluate(() => {
      for (const name of ['pointercancel', 'pointerup'])
        globalThis.addEventListener(name, () => document.body.setAttribute('data-ended', name));
    });
    const ended = (name: string) => page.locator(`body[data-ended="${name}"]`).waitFor();
    const place = async (title: string) => {
      const box = await card(page, title).boundingBox();
      return { x: (box?.x ?? 0) + 40, y: (box?.y ?? 0) + 16 };
    };
    const [first = '', , last = ''] = await titles(page, 'DONE');
    const [from, to] = [await place(last), await place(first)];
    await send('touchStart', from);
    await page.locator('[data-dragging]').waitFor();
    await send('touchMove', { x: from.x, y: from.y - 10 });
    await send('touchMove', { x: from.x, y: to.y - 12 });
    await page.locator('[data-column="DONE"][data-target]').waitFor();
    await send('touchEnd');
    await ended('pointerup');
    await expect.poll(async () => (await titles(other, 'DONE'))[0]).toBe(last);
    const moved = await titles(page, 'DONE');
    const { x, y } = await place(last);
    await send('touchStart', { x, y });
    for (let distance = 15; distance < 90; distance += 15) await send('touchMove', { x, y: y + distance });
    await ended('pointercancel');
    await send('touchEnd');
    expect(await page.locator('[data-dragging]').count()).toBe(0);
    expect(await titles(page, 'DONE')).toEqual(moved);
    await touch.detach();
  });

  it('is accessible and fits a phone, where the switch leads to the other columns', async () => {
    await page.evaluate(() => globalThis.scrollTo(0, 0));
    await expectAccessible(page, { onShown: screenOf(page, 'project-board') });
    await showTheme(page, 'phone');
    await page.getByRole('navigation', { name: 'Columns' }).getByRole('button', { name: 'Done 3' }).click();
    await link(page, 'Finished').click();
    await page.getByRole('complementary', { name: 'Task: Finished' }).waitFor();
    await client.projects.delete(projectId);
    expect(window.problems.filter((problem) => !/Failed to load resource|ERR_/.test(problem))).toEqual([]);
  });
}
