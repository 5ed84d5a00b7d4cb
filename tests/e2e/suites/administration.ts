/** The pages of administrators: User A is one, User B is not. */

import { readFile } from 'node:fs/promises';

import type { Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';

import { expectAccessible } from '../../support/axe.ts';
import { screenOf } from '../../support/screens.ts';
import type { StartedApp } from '../../support/started-app.ts';

export function administrationSuite(app: StartedApp): void {
  let page: Page;

  beforeAll(async () => {
    ({ page } = await app.openWindow('user-a'));
  });

  const goTo = (name: string) =>
    page.getByRole('navigation', { name: 'Administration' }).getByRole('link', { name }).click();
  const search = (label: string, text: string) => page.getByRole('textbox', { name: label }).fill(text);

  it('are found in the menu of the account, and show everybody who has signed in', async () => {
    const { projects } = await app.client('user-b');
    const { id } = await projects.create({ name: 'Watched by nobody' });
    await page.getByRole('button', { name: 'Account of User A' }).click();
    await page.getByRole('menuitem', { name: 'Administration' }).click();
    const people = page.getByRole('table', { name: 'People' });
    await people.getByRole('row', { name: /User A.*Administrator/ }).waitFor();
    await search('Search by name or e-mail', 'user-b@');
    await people.getByRole('row', { name: /User A/ }).waitFor({ state: 'hidden' });
    expect(await people.getByRole('row', { name: /User B/ }).count()).toBe(1);
    await expectAccessible(page, { onShown: screenOf(page, 'admin-people') });

    await goTo('Projects');
    await search('Search by project, person or pod', 'watched');
    const row = page.getByRole('row', { name: /Watched by nobody/ });
    await row.getByRole('button', { name: 'Stop Watched by nobody of User B' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Stop the project' }).click();
    await expect.poll(async () => (await projects.get(id)).desiredState, { timeout: 10_000 }).toBe('stopped');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await expectAccessible(page, { onShown: screenOf(page, 'admin-projects') });
    await projects.delete(id);
  });

  it('show the audit log, find an entry, and export it', async () => {
    await goTo('Audit log');
    await search('Search by person, action or id', 'admin.stopProject');
    await page.getByRole('row', { name: /admin\.stopProject.*User A.*Done/ }).waitFor();
    await expectAccessible(page, { onShown: screenOf(page, 'admin-audit') });
    const downloading = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export as CSV' }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toMatch(/^audit-log-.*\.csv$/);
    const lines = (await readFile(await download.path(), 'utf8')).trim().split('\r\n');
    expect(lines[0]).toMatch(/^at,actor/);
    expect(lines.slice(1)).toEqual([expect.stringContaining('admin.stopProject')]);
  });

  it('announce something to everybody, and let no project start', async () => {
    await goTo('Usage');
    await page.getByText('People', { exact: true }).last().waitFor();
    await expectAccessible(page, { onShown: screenOf(page, 'admin-usage') });
    await goTo('Installation');
    await page.getByRole('textbox', { name: 'Announcement' }).fill('We upgrade until noon.');
    await page.getByRole('switch', { name: 'Let no project start' }).check();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('status').getByText('We upgrade until noon.').waitFor();
    try {
      await expectAccessible(page, { onShown: screenOf(page, 'admin-installation') });
      const other = await app.openWindow('user-b');
      await other.page.getByText('We upgrade until noon.').waitFor();
      await other.page.getByRole('button', { name: 'New project' }).first().click();
      await other.page.getByRole('textbox', { name: 'Name' }).fill('Too late');
      await other.page.getByRole('button', { name: 'Create project' }).click();
      await other.page
        .getByText(/let no project start at the moment/)
        .first()
        .waitFor();
    } finally {
      const { trpc } = await app.client('user-a');
      await trpc.admin.setNotice.mutate({ announcement: null, isDraining: false });
    }
  });

  it('are refused to everybody else', async () => {
    const { page: other } = await app.openWindow('user-b', { path: '/admin/people' });
    await other.getByText('Only for administrators').waitFor();
    expect(await other.getByRole('table').count()).toBe(0);
    await other.getByRole('button', { name: 'Account of User B' }).click();
    await other.getByRole('menuitem', { name: 'Profile' }).waitFor();
    expect(await other.getByRole('menuitem', { name: 'Administration' }).count()).toBe(0);
  });
}
