/** Sharing in a real browser: two people in two windows, who see each change of the roles at once. */

import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';

import type { Client, Project } from '../../src/shared/sdk/client.ts';
import { expectAccessible } from '../support/axe.ts';
import { hasBrowser } from '../support/browser.ts';
import { screenOf } from '../support/screens.ts';
import { useStartedApp } from '../support/started-app.ts';

describe.runIf(hasBrowser)('sharing', { timeout: 60_000 }, () => {
  const app = useStartedApp();
  let client: Client;
  let project: Project;
  let owner: Page;
  let member: Page;
  beforeAll(async () => {
    client = await app.client('user-a');
    await app.client('user-b');
    project = await client.projects.create({ name: 'shop' });
    await client.tasks.create({ projectId: project.id, title: 'Add a cart' });
    ({ page: owner } = await app.openWindow('user-a', { path: `/projects/${project.id}` }));
    ({ page: member } = await app.openWindow('user-b'));
    await member.getByText('Create your first project').waitFor();
  });

  /** A window behind others draws late, and would be checked in the middle of a change of its colors. */
  async function checkScreen(page: Page, name: string): Promise<void> {
    await page.bringToFront();
    await expectAccessible(page, { onShown: screenOf(page, name) });
  }
  const dialog = () => owner.getByRole('dialog', { name: 'Share project' });
  const person = () => dialog().getByRole('listitem').filter({ hasText: 'User B' });
  const card = () => member.getByRole('article', { name: 'shop' });
  const share = async (address: string) => {
    await dialog().getByLabel('E-mail address').fill(address);
    await dialog().getByRole('button', { name: 'Share' }).click();
  };

  it('the owner adds a viewer by address, and the project appears in the other window', async () => {
    await owner.getByRole('button', { name: 'Share' }).click();
    await share('nobody@example.test');
    await dialog()
      .getByText(/Nobody with this confirmed address/)
      .waitFor();
    await share('user-b@example.test');
    await person().waitFor();
    expect(await dialog().getByLabel('Role of User B').inputValue()).toBe('viewer');
    await dialog().getByText('An editor can use them up.').waitFor();
    await checkScreen(owner, 'share-project');
    await card().getByText('Shared with you by User A · viewer').waitFor();
    await checkScreen(member, 'shared-project-card');
  });

  it('a viewer reads, and is offered nothing that changes the project', async () => {
    expect(await card().getByRole('link', { name: 'Open shop in a new tab' }).count()).toBe(0);
    await card().getByRole('link', { name: 'shop' }).click();
    await member.getByText('Shared with you by User A · viewer').waitFor();
    const stop = member.getByRole('button', { name: 'Stop', exact: true });
    expect(await stop.getAttribute('aria-disabled')).toBe('true');
    expect(await stop.getAttribute('aria-description')).toMatch(/You are a viewer of this project/);
    expect(await member.getByRole('tab').allTextContents()).toEqual(['Overview', 'Logs', 'Tasks', 'Files']);
    expect(await member.getByRole('button', { name: /^Edit the/ }).count()).toBe(0);
    await member.getByRole('tab', { name: 'Tasks' }).click();
    await member.getByRole('link', { name: 'Add a cart' }).click();
    await member.getByRole('complementary', { name: 'Task: Add a cart' }).waitFor();
    for (const name of ['New task', 'Run', 'Delete the task', 'Edit the title', 'Actions for “Add a cart”']) {
      expect([name, await member.getByRole('button', { name, exact: true }).count()]).toEqual([name, 0]);
    }
    await checkScreen(member, 'tasks-of-viewer');
  });

  it('the other role changes what the other window offers, without a reload', async () => {
    await dialog().getByLabel('Role of User B').selectOption('editor');
    await member.getByText('Shared with you by User A · editor').waitFor();
    await member.getByRole('link', { name: 'Open shop in a new tab' }).waitFor();
    await member.getByRole('tab', { name: 'Config' }).waitFor();
    await member.getByRole('button', { name: 'New task' }).waitFor();
    await member.getByRole('tab', { name: 'Overview' }).click();
    await member.getByRole('button', { name: 'Stop', exact: true }).click();
    await expect.poll(async () => (await client.projects.get(project)).desiredState).toBe('stopped');
    await owner.getByText('Stopped the project.').or(owner.getByText('User B')).first().waitFor();
  });

  it('a member sees who has access, without their addresses', async () => {
    await member.getByRole('button', { name: 'Members' }).click();
    const members = member.getByRole('dialog', { name: 'Members of the project' });
    await members.getByText('User A').waitFor();
    expect(await members.textContent()).not.toContain('@example.test');
    expect(await members.getByRole('combobox').count()).toBe(0);
    await checkScreen(member, 'members');
    await members.getByRole('button', { name: 'Close' }).last().click();
  });

  it('a removed member loses the page and the card at once, and gets them back when the project is shared again', async () => {
    const second = (await app.openWindow('user-b')).page;
    const secondCard = second.getByRole('article', { name: 'shop' });
    await secondCard.waitFor();
    await dialog().getByRole('button', { name: 'Remove User B' }).click();
    await member.getByText('There is no such project').waitFor();
    await secondCard.waitFor({ state: 'detached' });
    await share('user-b@example.test');
    await secondCard.waitFor();
    await member.getByRole('heading', { name: 'shop' }).waitFor();
  });

  it('a page that was without events when its member was removed says so when it reads the project again', async () => {
    const { page, context } = await app.openWindow('user-b', { path: `/projects/${project.id}` });
    await page.getByRole('heading', { name: 'shop' }).waitFor();
    await context.route(/projects\.poll/, (route) => route.abort());
    await page.routeWebSocket(/trpc/, (socket) => void socket.close());
    await page.reload();
    await page.getByRole('heading', { name: 'shop' }).waitFor();
    await dialog().getByRole('button', { name: 'Remove User B' }).click();
    await person().waitFor({ state: 'detached' });
    await page.getByRole('heading', { name: 'shop' }).waitFor();
    await context.unroute(/projects\.poll/);
    await page.getByText('There is no such project').waitFor();
    await context.close();
    await share('user-b@example.test');
    await member.getByRole('heading', { name: 'shop' }).waitFor();
  });

  it('a member leaves', async () => {
    await member.getByRole('button', { name: 'Members' }).click();
    await member.getByRole('button', { name: 'Leave the project' }).click();
    await member.getByText('You have left “shop”.').waitFor();
    await member.getByText('Create your first project').waitFor();
    await person().waitFor({ state: 'detached' });
  });
});
