/** The whole life of a project, from sign-in to deletion, in two windows of one user. The second window only watches. */

import type { Page } from 'playwright-core';
import { beforeAll, expect, it, vi } from 'vitest';

import type { BrowserWindow } from '../../support/browser.ts';
import { createAdministrator } from '../../support/clusters.ts';
import type { StartedApp } from '../../support/started-app.ts';

const namespace = 'opencode';
const card = (page: Page, name: string) => page.getByRole('article', { name });
const badge = (page: Page, text: string | RegExp) => page.locator('[data-status]', { hasText: text });

/** Sets a mark that a reload of the page would remove. */
const mark = (page: Page) => page.evaluate(() => Object.assign(window, { notReloaded: true }));
const isMarked = (page: Page) => page.evaluate(() => 'notReloaded' in window);

export function projectLifecycleSuite(app: StartedApp): void {
  let first: BrowserWindow;
  let second: BrowserWindow;
  /** The id of the project, from the address of its page. */
  let id: string;

  beforeAll(async () => {
    [first, second] = await Promise.all([
      app.openWindow('user-b', { path: '/', byHand: true }),
      app.openWindow('user-b', { path: '/projects?sort=name', byHand: true }),
    ]);
    await Promise.all([mark(first.page), mark(second.page)]);
  });

  const both = () => [first.page, second.page];
  async function openDeletion(page: Page): Promise<void> {
    await card(page, 'Beta').getByRole('button', { name: 'Actions for Beta' }).click();
    await page.getByRole('menuitem', { name: /Delete/ }).click();
  }
  const clusterApi = () => createAdministrator(app.system.kubeconfigPath);
  const listOptions = () => ({ namespace, labelSelector: `project-id=${id}` });

  it('starts with a sign-in that leads to the requested page, where an empty list says what to do', async () => {
    expect(new URL(first.page.url()).pathname).toBe('/projects');
    expect(new URL(second.page.url()).search).toBe('?sort=name');
    for (const page of both()) await page.getByText('Create your first project').waitFor();
  });

  it('rejects a wrong name and a wrong URL while the user types, and creates nothing', async () => {
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

  it('shows a new project, which becomes Running in both windows', async () => {
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

  it('shows the three containers and the name of the pod in the cluster on the page of the project', async () => {
    const { page } = first;
    await card(page, 'Alpha').getByRole('link', { name: 'Alpha', exact: true }).click();
    await page.waitForURL(/\/projects\/[0-9a-f-]{36}$/);
    id = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    for (const name of ['opencode-server', 'file-browser', 'session-proxy']) {
      await page.getByText(name, { exact: true }).first().waitFor();
    }
    const { items } = await clusterApi().listNamespacedPod(listOptions());
    const podName = items[0]?.metadata?.name ?? 'no pod';
    await page.getByText(podName).first().waitFor();
  });

  it('shows that the pod was deleted in the cluster, and that a new one is running', async () => {
    const { page } = first;
    const { items } = await clusterApi().listNamespacedPod(listOptions());
    await badge(page, 'Running').first().waitFor();
    await clusterApi().deleteNamespacedPod({ name: items[0]?.metadata?.name ?? '', namespace });
    await page.locator('[data-status="initializing"]').first().waitFor();
    await badge(page, 'Running').first().waitFor();
    await card(second.page, 'Alpha').locator('[data-status="ready"]').waitFor();
  });

  it('shows a new name, a stop and a start in the other window too', async () => {
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

  it('moves the project to the trash, where its volume stays, and restores it', async () => {
    await openDeletion(second.page);
    const dialog = second.page.getByRole('dialog');
    await dialog.getByText('Its files are kept for 7 days').waitFor();
    await dialog.getByRole('button', { name: 'Move to trash' }).click();
    await card(second.page, 'Beta').waitFor({ state: 'detached' });
    await second.page.getByText('is in the trash').first().waitFor();

    // The other window has the page of the project, and goes to the trash from the list.
    const { page } = first;
    await page.getByText('Will be deleted in 7 days').waitFor();
    await page.getByRole('link', { name: 'Projects' }).first().click();
    await page.getByRole('link', { name: 'Trash: 1 project' }).click();
    await card(page, 'Beta').getByText('Will be deleted in 7 days').waitFor();
    await vi.waitFor(
      async () => expect((await clusterApi().listNamespacedPod(listOptions())).items).toEqual([]),
      10_000,
    );
    expect((await clusterApi().listNamespacedPersistentVolumeClaim(listOptions())).items).toHaveLength(1);
    await card(page, 'Beta').getByRole('button', { name: 'Restore Beta' }).click();
    await page.getByText('The trash is empty').waitFor();
    await card(second.page, 'Beta').locator('[data-status="stopped"]').waitFor();
    await page.getByRole('button', { name: 'Show your projects' }).click();
    await card(page, 'Beta').waitFor();
  });

  it('deletes the pod, the volume and the card for good after the user has confirmed it', async () => {
    const { page } = second;
    await openDeletion(page);
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Delete for good instead' }).click();
    await dialog.getByText('cannot be undone').waitFor();
    await dialog.getByLabel('to confirm').fill('Beta');
    await dialog.getByRole('button', { name: 'Delete project' }).click();
    await card(page, 'Beta').waitFor({ state: 'detached' });
    await vi.waitFor(async () => {
      expect((await clusterApi().listNamespacedPod(listOptions())).items).toEqual([]);
      expect((await clusterApi().listNamespacedPersistentVolumeClaim(listOptions())).items).toEqual([]);
    }, 10_000);
  });

  it('needs no reload and causes no error or violation of the content security policy', async () => {
    for (const { page, problems } of [first, second]) {
      expect(await isMarked(page)).toBe(true);
      expect(problems).toEqual([]);
    }
  });
}
