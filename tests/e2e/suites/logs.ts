/** The logs tab of a project: choosing a container and a run, live lines, scrolling, copying and interruptions. */

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { expectAccessible } from '../../support/axe.ts';
import type { BrowserWindow } from '../../support/browser.ts';
import { screenOf } from '../../support/screens.ts';
import type { StartedApp } from '../../support/started-app.ts';

const logOf = (page: Page, container: string) => page.getByRole('log', { name: `Log of ${container}` });

export function logsSuite(app: StartedApp): void {
  let window: BrowserWindow;
  let page: Page;
  let id: string;

  beforeAll(async () => {
    const client = await app.client('user-b');
    ({ id } = await client.projects.create({
      name: 'With logs',
      repoUrl: 'https://scenarios.example/crash-once',
    }));
    window = await app.openWindow('user-b');
    ({ page } = window);
    await window.context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: app.system.url });
    const hasRestarted = (containers: { restarts: number }[]) => containers.some(({ restarts }) => restarts > 0);
    await client.waitFor(id, ({ status, containers }) => status === 'ready' && hasRestarted(containers), {
      timeoutMs: 60_000,
    });
  });
  afterAll(async () => {
    await (await app.client('user-b')).projects.delete(id);
  });

  it('opens from the row of a container, and shows the lines of another container when it is chosen', async () => {
    await page.goto(`${app.system.url}/projects/${id}`);
    await page.getByRole('link', { name: 'Logs of opencode-server' }).click();
    await logOf(page, 'opencode-server').getByText('as opencode-server').waitFor();
    expect(await page.getByRole('tab', { name: 'Logs' }).getAttribute('aria-selected')).toBe('true');
    await page.getByRole('combobox', { name: 'Container' }).selectOption('session-proxy');
    await logOf(page, 'session-proxy').getByText('listening on 0.0.0.0:3002').waitFor();
    expect(new URL(page.url()).search).toBe('?container=session-proxy');
    expect(await page.getByRole('switch', { name: 'Previous run' }).isDisabled()).toBe(true);
  });

  it('shows the previous run of a container that has crashed', async () => {
    await page.getByRole('combobox', { name: 'Container' }).selectOption('opencode-server');
    const previous = page.getByRole('switch', { name: 'Previous run' });
    await previous.click();
    await logOf(page, 'opencode-server').getByText('opencode-server stopped with exit code 1').waitFor();
    await page.getByText('This is the run before the last restart.').waitFor();
    await expectAccessible(page, { onShown: screenOf(page, 'project-logs-previous') });
    await previous.click();
    await page.getByText('New lines appear as they are written.').waitFor();
  });

  it('stays at the newest line until the user scrolls up, and returns to it with a button', async () => {
    const log = logOf(page, 'opencode-server');
    await log.evaluate((element) => Object.assign(element.style, { height: '50px', minHeight: '0' }));
    const lines = log.getByText('200');
    const atEnd = () => log.evaluate((one) => one.scrollHeight - one.scrollTop - one.clientHeight < 2);
    const count = await lines.count();
    // A ready container writes a line every ten seconds.
    await expect.poll(() => lines.count(), { timeout: 20_000 }).toBeGreaterThan(count);
    expect(await atEnd()).toBe(true);
    await log.focus();
    await page.keyboard.press('Home');
    const jump = page.getByRole('button', { name: 'Jump to the newest line' });
    await jump.waitFor();
    await expect.poll(() => log.evaluate((one) => one.scrollTop)).toBe(0); // the browser scrolls smoothly
    await jump.click();
    await jump.waitFor({ state: 'hidden' });
    await expect.poll(atEnd).toBe(true);
  });

  it('says that the connection is lost, and continues with the newest lines when it is back', async () => {
    await window.context.setOffline(true);
    await page.getByText('The connection to the server was lost. New lines appear when it is back.').waitFor();
    await window.context.setOffline(false);
    await page.getByText('New lines appear as they are written.').waitFor();
    const lines = logOf(page, 'opencode-server').getByText('GET / 200');
    const count = await lines.count();
    await expect.poll(() => lines.count(), { timeout: 20_000 }).toBe(count + 1);
  });

  it('shows the log of the new pod after a restart of the project', async () => {
    const log = logOf(page, 'opencode-server');
    const firstTime = () => log.locator('time').first().getAttribute('datetime');
    const before = await firstTime();
    await page.getByRole('button', { name: 'Restart', exact: true }).click();
    await expect.poll(firstTime, { timeout: 40_000 }).not.toBe(before);
    await log.getByText('GET / 200').first().waitFor();
  });

  it('copies all lines with their times', async () => {
    await page.getByRole('button', { name: 'Copy all' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toMatch(/^\d{4}-\d\d-\d\dT\S+ .*simulated.*\n[^]*GET \/ 200\n$/);
  });

  it('causes no error in the console of the page', () => {
    expect(window.problems.filter((problem) => !problem.includes('ERR_INTERNET_DISCONNECTED'))).toEqual([]);
  });
}
