import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { hasBrowser, signIn, startBrowser, type Person } from '../support/browser.ts';
import { createAdministrator } from '../support/clusters.ts';
import { createDataDir, startSystem, type StartedSystem } from '../support/started-system.ts';

/** A mark in the page that any reload would wipe out. */
const mark = (page: Page) => page.evaluate(() => Object.assign(window, { notReloaded: true }));
const isMarked = (page: Page) => page.evaluate(() => 'notReloaded' in window);

describe.runIf(hasBrowser)('a person with two windows', { timeout: 60_000 }, () => {
  const { dataDir, remove } = createDataDir();
  let system: StartedSystem;
  let browser: Browser;
  let first: Person;
  let second: Person;

  beforeAll(async () => {
    [system, browser] = await Promise.all([startSystem({ dataDir }), startBrowser()]);
    [first, second] = await Promise.all([
      signIn(browser, { url: system.url, user: 'user-a' }),
      signIn(browser, { url: system.url, user: 'user-a', path: '/projects?sort=name' }),
    ]);
    await Promise.all([mark(first.page), mark(second.page)]);
  });

  afterAll(async () => {
    await browser?.close();
    await system?.end('SIGKILL');
    remove();
  });

  const card = (page: Page, name: string) => page.getByRole('article', { name });
  const badge = (page: Page, text: string | RegExp) => page.locator('[data-status]', { hasText: text });
  const both = () => [first.page, second.page];

  it('signs in and is brought to the page that was asked for, where an empty list says what to do', async () => {
    expect(new URL(first.page.url()).pathname).toBe('/projects');
    expect(new URL(second.page.url()).search).toBe('?sort=name');
    for (const page of both()) await page.getByText('Create your first project').waitFor();
  });

  it('is told what is wrong with a name and a URL while typing, and nothing is created', async () => {
    const { page } = first;
    await page.getByRole('button', { name: 'New project' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('-bad');
    await dialog.getByText('start with a letter or a digit').waitFor();
    await dialog.getByLabel('Repository URL').fill('https://user:secret@example.org/a');
    await dialog.getByText('credentials are never stored').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.getByText('Create your first project').waitFor();
  });

  it('creates a project and sees it become Running by itself, in the other window too', async () => {
    const { page } = first;
    await page.getByRole('button', { name: 'New project' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Alpha');
    await dialog.getByLabel('Description').fill('The first of many');
    await dialog.getByLabel('Repository URL').fill('https://example.org/team/alpha.git');
    await dialog.getByRole('button', { name: 'Create project' }).click();
    await card(page, 'Alpha').waitFor();
    for (const each of both()) {
      await card(each, 'Alpha').locator('[data-status="ready"]', { hasText: 'Running' }).waitFor();
      await card(each, 'Alpha').getByText('The first of many').waitFor();
    }
  });

  it('sees on the detail page the three containers, and the pod that kubectl would show', async () => {
    const { page } = first;
    await card(page, 'Alpha').getByRole('link', { name: 'Alpha' }).click();
    await page.waitForURL(/\/projects\/[0-9a-f-]{36}$/);
    const id = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    for (const name of ['opencode-server', 'file-browser', 'session-proxy']) {
      await page.getByText(name, { exact: true }).first().waitFor();
    }
    const { items } = await createAdministrator(system.kubeconfigPath).listNamespacedPod({
      namespace: 'opencode',
      labelSelector: `project-id=${id}`,
    });
    const podName = items[0]?.metadata?.name ?? 'no pod';
    await page.getByText(podName).first().waitFor();
  });

  it('sees the badge leave Running when the pod is deleted behind its back, and come back', async () => {
    const { page } = first;
    const id = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    const api = createAdministrator(system.kubeconfigPath);
    const { items } = await api.listNamespacedPod({ namespace: 'opencode', labelSelector: `project-id=${id}` });
    await badge(page, 'Running').first().waitFor();
    await api.deleteNamespacedPod({ name: items[0]?.metadata?.name ?? '', namespace: 'opencode' });
    await page.locator('[data-status="initializing"]').first().waitFor();
    await badge(page, 'Running').first().waitFor();
    await card(second.page, 'Alpha').locator('[data-status="ready"]').waitFor();
  });

  it('renames, stops and starts it, and the other window follows', async () => {
    const { page } = first;
    await page.getByRole('button', { name: 'Actions for Alpha' }).click();
    await page.getByRole('menuitem', { name: 'Rename' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill('Beta');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Beta' }).waitFor();
    await card(second.page, 'Beta').waitFor();

    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await badge(page, 'Stopped').first().waitFor();
    await card(second.page, 'Beta').locator('[data-status="stopped"]').waitFor();
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await badge(page, 'Running').first().waitFor();
    await card(second.page, 'Beta').locator('[data-status="ready"]').waitFor();
  });

  it('deletes it after being asked, and pod, volume and both cards go', async () => {
    const { page } = second;
    await card(page, 'Beta').getByRole('button', { name: 'Actions for Beta' }).click();
    await page.getByRole('menuitem', { name: /Delete/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('cannot be undone').waitFor();
    await dialog.getByLabel('to confirm').fill('Beta');
    await dialog.getByRole('button', { name: 'Delete project' }).click();
    await card(page, 'Beta').waitFor({ state: 'detached' });
    const api = createAdministrator(system.kubeconfigPath);
    await vi.waitFor(async () => {
      expect((await api.listNamespacedPod({ namespace: 'opencode' })).items).toEqual([]);
      expect((await api.listNamespacedPersistentVolumeClaim({ namespace: 'opencode' })).items).toEqual([]);
    }, 10_000);
  });

  it('is helped by the page of an unknown address and of an unknown project', async () => {
    const { page } = await signIn(browser, { url: system.url, user: 'user-b' });
    await page.goto(`${system.url}/no/such/page`);
    await page.getByText('There is no such page').waitFor();
    await page.goto(`${system.url}/projects/00000000-0000-4000-8000-000000000000`);
    await page.getByText('There is no such project').waitFor();
  });

  it('never had to reload, and no page ran into an error or a violation of its CSP', async () => {
    for (const { page, problems } of [first, second]) {
      expect(await isMarked(page)).toBe(true);
      expect(problems).toEqual([]);
    }
  });
});
