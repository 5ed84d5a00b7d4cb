/** Sizes and quotas in a real browser: the choice, what can be started before the click, and refusals in words. */

import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';

import type { Client } from '../../src/shared/sdk/client.ts';
import { expectAccessible } from '../support/axe.ts';
import { hasBrowser } from '../support/browser.ts';
import { screenOf } from '../support/screens.ts';
import { testSizesText } from '../support/sizes.ts';
import { useStartedApp } from '../support/started-app.ts';

describe.runIf(hasBrowser)('sizes', { timeout: 60_000 }, () => {
  const app = useStartedApp({ PROJECT_SIZES: testSizesText, QUOTA_RUNNING_MEMORY: '8Gi' });
  let client: Client;
  let page: Page;
  beforeAll(async () => {
    client = await app.client('user-a');
    ({ page } = await app.openWindow('user-a'));
  });

  const dialog = () => page.getByRole('dialog', { name: 'New project' });
  const size = (name: string) => dialog().getByRole('radio', { name });
  const startButton = () => page.getByRole('button', { name: 'Start', exact: true });

  it('the dialog offers each size with what it has, and says how many more can be started', async () => {
    await page.getByRole('button', { name: 'New project' }).first().click();
    await dialog().getByText('You can start 2 more Medium.').waitFor();
    expect(await size('Medium').isChecked()).toBe(true);
    expect(await dialog().getByText('Room for').allTextContents()).toEqual(['Room for 4', 'Room for 2', 'Room for 1']);
    for (const text of ['1 CPU', '4 GiB memory', '20 GiB storage']) await dialog().getByText(text).waitFor();
    await size('Small').click();
    await dialog().getByText('You can start 4 more Small.').waitFor();
    await dialog().getByLabel('Name').fill('web');
    await dialog().getByRole('button', { name: 'Create project' }).click();
    await dialog().waitFor({ state: 'hidden' });
    const { items } = await client.projects.list();
    expect(items).toMatchObject([{ name: 'web', size: 'S', storage: '5Gi' }]);
  });

  it('an open dialog follows what another window starts, and says what to stop; the server refuses with the same text', async () => {
    await page.getByRole('button', { name: 'New project' }).first().click();
    await dialog().getByText('You can start one more Medium.').waitFor();
    await client.projects.create({ name: 'api' });
    const refusal = dialog().getByText(
      /Your running projects have 6 GiB of at most 8 GiB of memory.*Stop “web” to start this\./,
    );
    await refusal.waitFor();
    expect(await dialog().getByText('No room').count()).toBe(2);
    await expectAccessible(page, { onShown: screenOf(page, 'create-with-size') });
    await dialog().getByLabel('Name').fill('too much');
    await dialog().getByRole('button', { name: 'Create project' }).click();
    const alert = dialog().getByRole('alert');
    await alert.waitFor();
    expect(await alert.textContent()).toBe(await refusal.last().textContent());
    await dialog().getByRole('button', { name: 'Cancel' }).click();
  });

  it('the Start button says before the click what to stop, and how many more fit when something was stopped', async () => {
    const { items } = await client.projects.list();
    const [web, api] = ['web', 'api'].map((name) => items.find((project) => project.name === name)?.id ?? '');
    await client.projects.stop(api ?? '');
    await client.projects.create({ name: 'other' });
    await page.goto(`${app.system.url}/projects/${api}`);
    const status = page.getByRole('region', { name: 'Status' });
    await status.getByText(/Stop “web” to start this\./).waitFor();
    expect(await status.getByText('Start the project to continue.').count()).toBe(0);
    expect(await startButton().getAttribute('aria-disabled')).toBe('true');
    expect(await startButton().getAttribute('aria-description')).toMatch(/Stop “web” to start this\./);
    await expectAccessible(page, { onShown: screenOf(page, 'start-refused') });
    await client.projects.stop(web ?? '');
    await status.getByText('You can start one more Medium.').waitFor();
    await startButton().click();
    await expect.poll(async () => (await client.projects.get(api ?? '')).desiredState).toBe('running');
    await status.getByText('You can start').waitFor({ state: 'hidden' });
  });

  it('another size is chosen in the settings, and the page says what it has and when it is used', async () => {
    const project = (await client.projects.list()).items.find(({ name }) => name === 'web');
    await page.goto(`${app.system.url}/projects/${project?.id}/config`);
    const section = page.getByRole('region', { name: 'Size' });
    await section.getByText('The volume keeps its 5 GiB').waitFor();
    await section.getByRole('radio', { name: 'Large' }).click();
    await page.getByText('The size is Large. The next start uses it.').waitFor();
    await expectAccessible(page, { onShown: screenOf(page, 'size-setting') });
    expect(await client.projects.get(project?.id ?? '')).toMatchObject({ size: 'L', storage: '5Gi' });
    await page.goto(`${app.system.url}/projects/${project?.id}`);
    await page.getByRole('link', { name: 'Large: 4 CPU, 8 GiB' }).waitFor();
    await page.getByText('5 GiB', { exact: true }).waitFor();
  });

  it('a smaller size of a running project makes no room before its restart, and the page says so', async () => {
    const other = await app.client('user-c');
    const { id } = await other.projects.create({ name: 'shrunk', size: 'L' });
    await other.waitFor(id, ({ status, podSize }) => status === 'ready' && podSize === 'L');
    const window = await app.openWindow('user-c', { path: `/projects/${id}/config` });
    const section = window.page.getByRole('region', { name: 'Size' });
    await section.getByRole('radio', { name: 'Small' }).click();
    const note = section.getByText('It runs with Large until you restart it.');
    await note.waitFor();
    await expectAccessible(window.page, { onShown: screenOf(window.page, 'size-of-pod') });
    expect((await other.projects.quota()).sizes.map(({ create }) => create.more)).toEqual([0, 0, 0]);
    await other.projects.restart(id);
    await note.waitFor({ state: 'hidden' });
    expect((await other.projects.quota()).sizes.map(({ create }) => create.more)).toEqual([3, 1, 0]);
    await other.projects.delete(id);
    await window.context.close();
  });

  it('a project that ran out of memory names the next size that has more', async () => {
    const other = await app.client('user-b');
    const { id } = await other.projects.create({ name: 'hungry', size: 'S', repoUrl: 'https://scenarios.example/oom' });
    await other.waitFor(id, ({ reason }) => reason === 'out-of-memory');
    const window = await app.openWindow('user-b', { path: `/projects/${id}` });
    const status = window.page.getByRole('region', { name: 'Status' });
    await status.getByText('The size Medium has 4 GiB of memory.').waitFor();
    await other.projects.delete(id);
    await status.getByText('The size Medium').waitFor({ state: 'hidden' });
    await window.context.close();
  });

  it('the waiting page of a project says why its Start button was refused, and offers it again', async () => {
    const project = (await client.projects.list()).items.find(({ name }) => name === 'web');
    const waiting = await page.context().newPage();
    await waiting.goto(await client.projects.open(project?.id ?? ''));
    await waiting.getByRole('button', { name: 'Start' }).click();
    await waiting.getByText(/Stop “.+” and “.+” to start this\./).waitFor();
    await waiting.getByRole('button', { name: 'Start' }).waitFor();
    await waiting.close();
  });

  it('the menu of a card says it too', async () => {
    await page.goto(`${app.system.url}/projects`);
    await page.getByRole('button', { name: 'Actions for web' }).click();
    const item = page.getByRole('menuitem', { name: 'Start', exact: true });
    await expect.poll(() => item.getAttribute('aria-description')).toMatch(/Stop “.+” and “.+” to start this\./);
    expect(await item.getAttribute('aria-disabled')).toBe('true');
  });

  it('the dialog begins with the size that the person has chosen in the settings', async () => {
    const { page: other } = await app.openWindow('user-b', { path: '/settings/defaults' });
    await other.getByLabel('Size').selectOption({ label: 'Large' });
    await other.getByLabel('Stop when idle').selectOption({ label: 'After 4 hours' });
    await other.getByRole('switch', { name: 'AI review' }).check();
    await expectAccessible(other, { onShown: screenOf(other, 'settings-defaults') });
    const { trpc, projects } = await app.client('user-b');
    await expect
      .poll(() => trpc.auth.defaults.query(), { timeout: 10_000 })
      .toEqual({ size: 'L', idleStop: '4h', aiReview: true });
    await other.goto(`${app.system.url}/projects`);
    await other.getByRole('button', { name: 'New project' }).first().click();
    const create = other.getByRole('dialog', { name: 'New project' });
    await expect.poll(() => create.getByRole('radio', { name: 'Large' }).isChecked(), { timeout: 10_000 }).toBe(true);
    await create.getByLabel('Name').fill('as usual');
    await create.getByRole('button', { name: 'Create project' }).click();
    await create.waitFor({ state: 'hidden' });
    expect((await projects.list()).items).toMatchObject([{ size: 'L', idleStop: '4h', aiReview: true }]);
  });
});
