import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { axeOn } from '../support/axe.ts';
import { hasBrowser, signIn, startBrowser, type Person } from '../support/browser.ts';
import { createDataDir, startSystem, type StartedSystem } from '../support/started-system.ts';

describe.runIf(hasBrowser)('what goes wrong with a project', { timeout: 60_000 }, () => {
  const { dataDir, remove } = createDataDir();
  let system: StartedSystem;
  let browser: Browser;
  let person: Person;

  beforeAll(async () => {
    [system, browser] = await Promise.all([startSystem({ dataDir }), startBrowser()]);
    person = await signIn(browser, { url: system.url, user: 'user-a' });
    await person.context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: system.url });
  });
  afterAll(async () => {
    await browser?.close();
    await system?.end('SIGKILL');
    remove();
  });

  let opened = 0;
  /** Creates a project that plays this situation, under a name that no other try has taken, and opens its page. */
  async function open(scenario: string): Promise<string> {
    const { page } = person;
    const name = `${scenario} ${(opened += 1)}`;
    await page.goto(`${system.url}/projects`);
    await page.getByRole('button', { name: 'New project' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill(name);
    await dialog.getByLabel('Repository URL').fill(`https://scenarios.example/${scenario}`);
    await dialog.getByRole('button', { name: 'Create project' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.getByRole('link', { name, exact: true }).click();
    return name;
  }

  it('is told in words: what, what next, and who must act; the raw text is one click away and can be copied', async () => {
    const { page } = person;
    const name = await open('oom');
    const status = page.getByRole('region', { name: 'Status' });
    await status.getByText('Out of memory').first().waitFor();
    await status.getByText('The container opencode-server ran out of memory and was killed').waitFor();
    await status.getByText('It must use less memory').waitFor();
    await status.getByText('You can mend it').waitFor();
    // What happens is read out; the minutes that pass since then are not.
    expect(await status.locator('[aria-live="polite"] time').count()).toBe(1);
    expect(await status.locator('[aria-live="polite"] [aria-live="off"] time').count()).toBe(1);
    expect(await status.getByText('exit code 137', { exact: true }).isVisible()).toBe(false);
    await status.getByText('What Kubernetes says').click();
    await status.getByText('exit code 137', { exact: true }).waitFor();
    await status.getByRole('button', { name: 'Copy diagnosis' }).click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toMatch(/Project: oom \d[^]*Reason: out-of-memory[^]*OOMKilled/);
    await page.getByText('Out of memory ·').waitFor(); // in the timeline
    await page.getByText(`“${name}” was created`).waitFor({ state: 'hidden' }); // while a toast fades, nobody has to read it
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const { violations } = await axeOn(page).analyze();
      expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([]);
    }
  });

  it('shows the steps of a start, which one is under way, and the time that passes', async () => {
    const { page } = person;
    await open('slow-pull');
    const start = page.getByRole('region', { name: 'Start' });
    await start.getByText('Images 0/3').waitFor();
    expect(await start.locator('[aria-current="step"]').textContent()).toMatch(/^Images 0\/3/);
    expect(await start.getByRole('listitem').count()).toBe(6);
    const elapsed = async () => Number.parseInt((await start.getByText(/^\d+ s$/).textContent()) ?? '', 10);
    const before = await elapsed();
    await expect.poll(elapsed, { timeout: 10_000 }).toBeGreaterThan(before);
    await page.getByRole('region', { name: 'Status' }).getByText('is being fetched').waitFor();
    expect(person.problems).toEqual([]);
  });

  it('is named on the card in two or three words, and asks nobody where nobody has to act', async () => {
    const { page } = person;
    const name = await open('oom');
    await page.getByText('Out of memory').first().waitFor();
    await open('multi-attach');
    await page.getByRole('region', { name: 'Status' }).getByText('still attached to another node').waitFor();
    expect(await page.getByText('An administrator must act').count()).toBe(0);
    await page.goto(`${system.url}/projects`);
    await page.getByRole('article', { name }).getByText('Out of memory').waitFor();
  });
});
