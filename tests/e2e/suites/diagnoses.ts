/** What a project's page and card say when a start takes long or fails. */

import { beforeAll, expect, it } from 'vitest';

import type { BrowserWindow } from '../../support/browser.ts';
import type { StartedApp } from '../../support/started-app.ts';
import type { ScenarioProjects } from './scenario-projects.ts';

export function diagnosesSuite(app: StartedApp, projects: ScenarioProjects): void {
  let window: BrowserWindow;

  beforeAll(async () => {
    projects.prepare();
    window = await app.openWindow('user-a');
    await window.context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: app.system.url });
  });

  it('says what failed, what helps and who can fix it, with the evidence from Kubernetes to copy', async () => {
    const { page } = window;
    await page.goto(`${app.system.url}${await projects.pathOf('search-index')}`);
    const status = page.getByRole('region', { name: 'Status' });
    await status.getByText('Out of memory').first().waitFor();
    await status.getByText('The container opencode-server ran out of memory and was killed').waitFor();
    await status.getByText('must use less memory').waitFor();
    await status.getByText('You can fix this').waitFor();
    // Screen readers announce new statuses, but not each passing minute.
    expect(await status.locator('[aria-live="polite"] time').count()).toBe(1);
    expect(await status.locator('[aria-live="polite"] [aria-live="off"] time').count()).toBe(1);
    const evidence = status.getByText('exit code 137', { exact: true });
    expect(await evidence.isVisible()).toBe(false);
    await status.getByText('What Kubernetes says').click();
    await evidence.waitFor();
    await status.getByRole('button', { name: 'Copy diagnosis' }).click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toMatch(/Project: search-index[^]*Reason: out-of-memory[^]*OOMKilled/);
    await page.getByText('Out of memory ·').waitFor(); // in the timeline
  });

  it('does not ask an administrator to act when the cluster recovers by itself', async () => {
    const { page } = window;
    await page.goto(`${app.system.url}${await projects.pathOf('reports')}`);
    await page.getByRole('region', { name: 'Status' }).getByText('still attached to another node').first().waitFor();
    expect(await page.getByText('An administrator has to fix this').count()).toBe(0);
  });

  it('is named on the card of the project in two or three words', async () => {
    const { page } = window;
    await page.goto(`${app.system.url}/projects`);
    await page.getByRole('article', { name: 'search-index' }).getByText('Out of memory').waitFor();
  });

  it('lists the steps of a start, marks the current one and shows the elapsed time', async () => {
    const { page } = window;
    const client = await app.client('user-a');
    const { id } = await client.projects.create({ name: 'slow', repoUrl: 'https://scenarios.example/slow-pull' });
    await page.goto(`${app.system.url}/projects/${id}`);
    const start = page.getByRole('region', { name: 'Start' });
    await start.getByText('Images 0/3').waitFor();
    expect(await start.locator('[aria-current="step"]').textContent()).toMatch(/^Images 0\/3/);
    expect(await start.getByRole('listitem').count()).toBe(6);
    const elapsedSeconds = async () => Number.parseInt((await start.getByText(/^\d+ s$/).textContent()) ?? '', 10);
    const before = await elapsedSeconds();
    await expect.poll(elapsedSeconds, { timeout: 10_000 }).toBeGreaterThan(before);
    await page.getByRole('region', { name: 'Status' }).getByText('is being fetched').waitFor();
    await client.projects.delete(id);
  });

  it('causes no error in the console of the page', () => {
    expect(window.problems).toEqual([]);
  });
}
