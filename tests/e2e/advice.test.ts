/** What the pages offer and advise in states in which something is not possible, or has just ended, in a real browser. */

import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';

import { findInstance } from '../../src/embedded/running-instance.ts';
import type { Client } from '../../src/shared/sdk/client.ts';
import { runMessages } from '../../src/worker/runs/run-messages.ts';
import { expectAccessible } from '../support/axe.ts';
import { hasBrowser } from '../support/browser.ts';
import { openTestDatabase } from '../support/open-test-database.ts';
import { screenOf } from '../support/screens.ts';
import { useStartedApp } from '../support/started-app.ts';

describe.runIf(hasBrowser)('advice', { timeout: 60_000 }, () => {
  const app = useStartedApp({ KEY_ENCRYPTION_SECRET: 'a-secret-of-this-test-with-32-characters', MODEL_KEYS: '' });
  let client: Client;
  let page: Page;
  beforeAll(async () => {
    client = await app.client('user-a');
    ({ page } = await app.openWindow('user-a'));
  });

  const show = (path: string) => page.goto(`${app.system.url}${path}`);
  const status = () => page.getByRole('region', { name: 'Status' });
  const newTask = () => page.getByRole('button', { name: /^(New task|Add (a )?task)/ });
  async function stopped(name: string): Promise<string> {
    const { id } = await client.projects.create({ name });
    await client.projects.stop(id);
    await client.waitFor(id, ({ status: is }) => is === 'stopped');
    return id;
  }
  /** Writes a run as a worker does. */
  async function writeRun(runId: string, fields: object): Promise<void> {
    const db = openTestDatabase(findInstance(app.system.dataDir)?.databaseUrl ?? '', { poolSize: 1 });
    await db('runs').where({ id: runId }).update(fields);
    await db.destroy();
  }

  it('the tasks say that no model provider has a key, and lead to where one is entered', async () => {
    const id = await stopped('no-key');
    await show(`/projects/${id}/tasks`);
    await page.getByText('No model provider has a key').waitFor();
    await page.getByRole('button', { name: 'New task' }).click();
    const dialog = page.getByRole('dialog', { name: 'New task' });
    await dialog.getByText('No model provider has a key').waitFor();
    await expectAccessible(page, { onShown: screenOf(page, 'no-model') });
    await dialog.getByRole('link', { name: 'Settings → Models' }).click();
    await page.getByText('No provider has a key yet').waitFor();
    await expectAccessible(page, { onShown: screenOf(page, 'no-model-settings') });

    await client.models.setKey({ provider: 'anthropic', key: 'sk-ant-planted-by-e2e-4242' });
    await show(`/projects/${id}/tasks`);
    await newTask().first().waitFor();
    await page.getByText('No tasks yet').waitFor();
    expect(await page.getByText('No model provider has a key').count()).toBe(0);
    await client.models.deleteKey('anthropic');
  });

  it('an error that is about no field of a new task stands at the form', async () => {
    const id = await stopped('refused');
    await show(`/projects/${id}/tasks`);
    await page.route('**/trpc/*tasks.create*', (route) => route.abort());
    await page.getByRole('button', { name: 'New task' }).click();
    const dialog = page.getByRole('dialog', { name: 'New task' });
    await dialog.getByLabel('Title').fill('Anything');
    await dialog.getByRole('button', { name: 'Create', exact: true }).click();
    await dialog.getByRole('alert').waitFor();
    expect(await dialog.getByLabel('Title').getAttribute('aria-invalid')).not.toBe('true');
    await page.unroute('**/trpc/*tasks.create*');
    await dialog.getByRole('button', { name: 'Create', exact: true }).click();
    await dialog.waitFor({ state: 'hidden' });
  });

  it('the trash offers no new task, run or setting, and says why', async () => {
    const id = await stopped('trashed');
    const task = await client.tasks.create({ projectId: id, title: 'Waits' });
    await client.projects.trash(id);
    await show(`/projects/${id}/tasks?task=${task.id}`);
    const panel = page.getByRole('complementary', { name: 'Task: Waits' });
    await panel.waitFor();
    await page.getByText('The project is in the trash. Restore it first. No task can be added or run.').waitFor();
    expect(await newTask().count()).toBe(0);
    expect(await page.getByRole('button', { name: /^Run/ }).count()).toBe(0);
    expect(await page.getByRole('switch', { name: 'AI review' }).isDisabled()).toBe(true);
    await page.keyboard.press('n');
    expect(await page.getByRole('dialog').count()).toBe(0);
    await expectAccessible(page, { onShown: screenOf(page, 'trash-tasks') });

    await show(`/projects/${id}/config`);
    await page.getByText('The configuration can be read, but not changed.').waitFor();
    for (const field of [page.getByLabel('Rules'), page.getByLabel('Stop when idle'), page.getByLabel('Small model')]) {
      expect(await field.isDisabled()).toBe(true);
    }
    await expectAccessible(page, { onShown: screenOf(page, 'trash-config') });
    await page.getByRole('tab', { name: 'JSON' }).click();
    const editor = page.getByRole('textbox', { name: 'Configuration as JSON' });
    const before = await editor.textContent();
    await editor.focus();
    await page.keyboard.type('x');
    expect(await editor.textContent()).toBe(before);
  });

  it('a restored project is started from the message that says so', async () => {
    const id = await stopped('back');
    await client.projects.trash(id);
    await client.waitFor(id, ({ status: is }) => is === 'stopped');
    await show('/projects?status=trash');
    await page.getByRole('button', { name: 'Restore back' }).click();
    await page.getByText('“back” is restored.').waitFor();
    await expectAccessible(page, { onShown: screenOf(page, 'restored') });
    await page.getByRole('button', { name: 'Start back' }).click();
    await expect.poll(async () => (await client.projects.get(id)).desiredState).toBe('running');
    await page.getByRole('button', { name: 'Start back' }).waitFor({ state: 'hidden' });
    await client.projects.delete(id);
  });

  it('a run that was interrupted by a stop advises what the state of the project asks for', async () => {
    const id = await stopped('interrupted');
    const task = await client.tasks.create({ projectId: id, title: 'Broken off' });
    const run = await client.runs.start({ taskId: task.id, idempotencyKey: 'one' });
    await writeRun(run.id, { state: 'failed', message: runMessages.projectStopped, endedAt: new Date() });
    await show(`/projects/${id}/tasks?task=${task.id}`);
    const panel = page.getByRole('complementary', { name: 'Task: Broken off' });
    await panel.getByText('choose “Run again”').waitFor();
    await panel.getByRole('button', { name: 'Run again' }).waitFor();
    const hint = panel.getByText('A run begins when the project is started.');
    await hint.waitFor();
    await expectAccessible(page, { onShown: screenOf(page, 'interrupted') });
    await client.projects.start(id);
    await client.waitFor(id, ({ status: is }) => is === 'ready');
    await hint.waitFor({ state: 'hidden' });
    expect(await panel.getByText(/start the project/i).count()).toBe(0);
    await client.projects.delete(id);
  });

  it('the dialog of a deletion names the task whose run will end', async () => {
    const id = await stopped('working');
    const task = await client.tasks.create({ projectId: id, title: 'Write the report' });
    const dialog = page.getByRole('dialog', { name: 'Delete project' });
    const forGood = async () => {
      await show(`/projects/${id}?delete`);
      await dialog.getByRole('button', { name: 'Delete for good instead' }).click();
      await dialog.getByText('nobody knows what is not committed').waitFor();
    };
    await forGood();
    expect(await dialog.getByText('Write the report').count()).toBe(0);
    await client.runs.start({ taskId: task.id, idempotencyKey: 'one' });
    await forGood();
    await dialog.getByText('The task “Write the report” waits. The deletion ends it.').waitFor();
    await expectAccessible(page, { onShown: screenOf(page, 'delete-waiting') });
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  });

  it('a project that is ready without its repository is shown as a warning, with the cause and the next step', async () => {
    const repoUrl = 'https://scenarios.example/clone-no-space';
    const { id } = await client.projects.create({ name: 'uncloned', repoUrl });
    await client.waitFor(id, ({ status: is }) => is === 'ready');
    await show('/projects');
    const card = page.locator(`[data-project-id="${id}"]`);
    await card.getByText('Repository not cloned').waitFor();
    expect(await card.locator('[data-status]').getAttribute('data-tone')).toBe('wait');
    await expectAccessible(page, { onShown: screenOf(page, 'uncloned-card') });
    await show(`/projects/${id}`);
    await status().getByText('You can fix this').waitFor();
    await status().getByText('it does not fit on the volume').waitFor();
    await status().getByText('use a project with a larger volume').waitFor();
    expect(await status().getAttribute('data-tone')).toBe('wait');
    await expectAccessible(page, { onShown: screenOf(page, 'uncloned') });
  });

  it('a project that is being deleted cannot be opened', async () => {
    const { id } = await client.projects.create({
      name: 'leaving',
      repoUrl: 'https://scenarios.example/stuck-terminating',
    });
    await client.waitFor(id, ({ status: is }) => is === 'ready');
    await show(`/projects/${id}`);
    const open = page.getByRole('link', { name: 'Open leaving in a new tab' });
    await open.waitFor();
    await client.projects.delete(id);
    await open.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Restart' }).waitFor();
  });

  it('every choice has the same arrow', async () => {
    const id = await stopped('choices');
    await client.tasks.create({ projectId: id, title: 'Any' });
    const paths = [
      '/projects',
      `/projects/${id}/tasks`,
      `/projects/${id}/config`,
      `/projects/${id}/logs`,
      '/settings/usage',
    ];
    const arrows = new Set<string>();
    for (const path of paths) {
      await show(path);
      await page.locator('select').first().waitFor();
      const shown = await page
        .locator('select')
        .evaluateAll((selects) => selects.map((each) => each.parentElement?.querySelector('svg')?.innerHTML ?? 'none'));
      for (const arrow of shown) arrows.add(arrow);
    }
    expect([...arrows]).toEqual([expect.stringContaining('path')]);
  });

  it('a phone opens the board at a column with cards, shows no keys, and keeps the buttons of a project in one row', async () => {
    const id = await stopped('on-a-phone');
    const task = await client.tasks.create({ projectId: id, title: 'Nearly done', state: 'HUMAN_REVIEW' });
    const phone = await app.browser.newContext({
      ...(await page
        .context()
        .storageState()
        .then((storageState) => ({ storageState }))),
      viewport: { width: 390, height: 844 },
      hasTouch: true,
      isMobile: true,
      userAgent: await page.evaluate(() => navigator.userAgent),
    });
    const small = await phone.newPage();
    await small.goto(`${app.system.url}/projects/${id}/tasks`);
    await small.getByRole('link', { name: 'Nearly done' }).waitFor();
    const column = small.getByRole('button', { name: 'Your review 1' });
    await expect.poll(() => column.getAttribute('aria-pressed')).toBe('true');
    const link = await small.getByRole('link', { name: 'Nearly done' }).boundingBox();
    expect(link?.x).toBeGreaterThanOrEqual(0);
    expect(link?.x).toBeLessThan(390);
    const rows = await small
      .locator('button[aria-label^="Actions for"], a[aria-label^="Open "]')
      .evaluateAll((elements) =>
        elements.slice(0, 2).map((element) => Math.round(element.getBoundingClientRect().top)),
      );
    expect(Math.abs((rows[0] ?? 0) - (rows[1] ?? 999))).toBeLessThan(10);
    await expectAccessible(small, { onShown: screenOf(small, 'phone-board') });
    await small.goto(`${app.system.url}/projects/${id}/tasks?task=${task.id}`);
    const panel = small.getByRole('complementary', { name: 'Task: Nearly done' });
    await panel.getByRole('button', { name: 'Edit the description' }).click();
    await panel.getByRole('textbox', { name: 'Description' }).waitFor();
    expect(await small.getByText('Ctrl + Enter').count()).toBe(0);
    await phone.close();
  });
});
