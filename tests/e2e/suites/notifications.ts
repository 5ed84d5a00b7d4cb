/** Notifications of the browser. The page records what it gives to the browser, because no test can see the desktop. */

import type { Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';

import type { StartedApp } from '../../support/started-app.ts';

interface Shown {
  title: string;
  body: string;
}

/** Records each notification that the browser has accepted. */
function recordNotifications(): void {
  const shown: Shown[] = [];
  const Real = window.Notification;
  class Recorded extends Real {
    // Chromium without windows never says that it was granted, and shows them all the same.
    static override get permission(): NotificationPermission {
      return 'granted';
    }
    constructor(title: string, options: NotificationOptions = {}) {
      super(title, options);
      shown.push({ title, body: options.body ?? '' });
      Object.assign(window, { lastNotification: this });
    }
  }
  Object.assign(window, { Notification: Recorded, shownNotifications: shown });
}

const shownOn = (page: Page) =>
  page.evaluate(() => (window as unknown as { shownNotifications: Shown[] }).shownNotifications);
const show = (page: Page, state: 'visible' | 'hidden') =>
  page.evaluate((value) => {
    Object.defineProperty(document, 'visibilityState', { value, configurable: true });
  }, state);

export function notificationsSuite(app: StartedApp): void {
  let page: Page;
  let problems: string[];

  beforeAll(async () => {
    const window = await app.openWindow('user-c');
    ({ page, problems } = window);
    await window.context.grantPermissions(['notifications'], { origin: app.system.url });
    await page.addInitScript(recordNotifications);
    await page.goto(`${app.system.url}/settings/notifications`);
  });

  it('are off until the person wants them, and an example shows what they look like', async () => {
    const setting = page.getByRole('switch', { name: 'Notify me in this browser' });
    expect(await setting.isChecked()).toBe(false);
    await setting.click();
    await page.getByRole('button', { name: 'Show an example' }).click();
    expect(await shownOn(page)).toMatchObject([{ title: '“Example” needs an answer' }]);
  });

  it('tell of a project that fails while nobody looks, and a click opens it', async () => {
    const client = await app.client('user-c');
    await show(page, 'hidden');
    const { id } = await client.projects.create({ name: 'Unlucky', repoUrl: 'https://scenarios.example/quota' });
    await expect
      .poll(() => shownOn(page), { timeout: 20_000 })
      .toContainEqual({
        title: '“Unlucky” has failed',
        body: expect.stringMatching(/./),
      });
    expect((await shownOn(page)).filter(({ title }) => title.includes('Unlucky'))).toHaveLength(1);
    await page.evaluate(() => {
      (window as unknown as { lastNotification: Notification }).lastNotification.dispatchEvent(new Event('click'));
    });
    await page.getByRole('heading', { name: 'Unlucky', level: 1 }).waitFor();
    expect(new URL(page.url()).pathname).toBe(`/projects/${id}`);
    await client.projects.delete(id);
  });

  it('do not disturb a person who looks at the page, nor one who has switched them off', async () => {
    const client = await app.client('user-c');
    /** A project fails while the list is open. */
    const failing = async (name: string, state: 'visible' | 'hidden') => {
      await page.getByRole('link', { name: 'Projects' }).first().click();
      await page.getByRole('heading', { name: 'Projects', level: 1 }).waitFor();
      await show(page, state);
      const { id } = await client.projects.create({ name, repoUrl: 'https://scenarios.example/quota' });
      await page.getByRole('article', { name }).locator('[data-status="error"]').waitFor();
      await client.projects.delete(id);
    };
    const before = await shownOn(page);
    await failing('Looked at', 'visible');
    expect(await shownOn(page)).toEqual(before);
    await page.goto(`${app.system.url}/settings/notifications`);
    await page.getByRole('switch', { name: 'Notify me in this browser' }).click();
    await failing('Switched off', 'hidden');
    expect(await shownOn(page)).toEqual([]);
    expect(problems).toEqual([]);
  });
}
