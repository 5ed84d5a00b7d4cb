import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Client } from '../../src/shared/sdk/client.ts';
import { hasBrowser, signIn, startBrowser } from '../support/browser.ts';
import { createSdkClient } from '../support/sdk-client.ts';
import { createDataDir, startSystem, type StartedSystem } from '../support/started-system.ts';

interface ObservedState {
  atMs: number;
  /** The badge of each card, by its name. */
  badges: Record<string, string>;
}

interface Pause {
  fromMs: number;
  toMs: number;
}

interface Recording {
  observed: ObservedState[];
  /** When the machine let the window do nothing: a clock in it that ticks every 50 ms did not. */
  pauses: Pause[];
}

/** Notes what the list shows whenever that changes. */
async function record(page: Page): Promise<void> {
  await page.evaluate(() => {
    const observed: ObservedState[] = [];
    const look = (): void => {
      const badges: Record<string, string> = {};
      for (const card of document.querySelectorAll('article[data-project-id]')) {
        badges[card.querySelector('h2')?.textContent ?? ''] = card.querySelector('[data-status]')?.textContent ?? '';
      }
      if (JSON.stringify(badges) !== JSON.stringify(observed.at(-1)?.badges))
        observed.push({ atMs: Date.now(), badges });
    };
    look();
    new MutationObserver(look).observe(document.body, {
      subtree: true,
      childList: true,
      characterData: true,
      attributes: true,
    });
    const pauses: Pause[] = [];
    let tickedAtMs = Date.now();
    setInterval(() => {
      const atMs = Date.now();
      if (atMs - tickedAtMs > 100) pauses.push({ fromMs: tickedAtMs, toMs: atMs });
      tickedAtMs = atMs;
    }, 50);
    Object.assign(window, { recording: { observed, pauses } });
  });
}

/** How much of a time is none of these pauses, which may overlap, in milliseconds. */
function outsideOf(pauses: readonly Pause[], fromMs: number, toMs: number): number {
  let outsideMs = 0;
  let reachedMs = fromMs;
  for (const pause of pauses.toSorted((a, b) => a.fromMs - b.fromMs)) {
    outsideMs += Math.max(0, Math.min(pause.fromMs, toMs) - reachedMs);
    reachedMs = Math.max(reachedMs, pause.toMs);
  }
  return outsideMs + Math.max(0, toMs - reachedMs);
}

/**
 * For how long, at most, two windows have shown different things of one project while both of them could run, in milliseconds:
 * a machine that has no processor for one of them says nothing about what it was told.
 */
function longestDisagreement(one: Recording, other: Recording): number {
  const pauses = [...one.pauses, ...other.pauses];
  const changes = [one, other].flatMap(({ observed }, which) => observed.map((each) => ({ ...each, which })));
  const names = new Set(changes.flatMap(({ badges }) => Object.keys(badges)));
  let longest = 0;
  for (const name of names) {
    const shown: (string | undefined)[] = [undefined, undefined];
    let since: number | null = null;
    for (const { atMs, badges, which } of changes.toSorted((a, b) => a.atMs - b.atMs)) {
      shown[which] = badges[name];
      if (shown[0] !== shown[1]) since ??= atMs;
      else if (since !== null) {
        longest = Math.max(longest, outsideOf(pauses, since, atMs));
        since = null;
      }
    }
    if (since !== null) return Infinity;
  }
  return longest;
}

describe.runIf(hasBrowser)('two windows on the same projects', { timeout: 120_000 }, () => {
  const { dataDir, remove } = createDataDir();
  let system: StartedSystem;
  let browser: Browser;
  let client: Client;

  beforeAll(async () => {
    [system, browser] = await Promise.all([startSystem({ dataDir }), startBrowser()]);
    client = await createSdkClient(system, 'user-a');
  });

  afterAll(async () => {
    await client?.close();
    await browser?.close();
    await system?.end('SIGKILL');
    remove();
  });

  it('never disagree for longer than a second while projects are created, fail, stop and go', async () => {
    const people = await Promise.all([
      signIn(browser, { url: system.url, user: 'user-a' }),
      signIn(browser, { url: system.url, user: 'user-a' }),
    ]);
    const pages = people.map(({ page }) => page);
    for (const page of pages) {
      await page.getByText('Create your first project').waitFor();
      await page.getByText('Live', { exact: true }).waitFor();
      await record(page);
    }
    const until = async (id: string, ...statuses: string[]) =>
      client.waitFor(id, ({ status, reason }) => statuses.includes(status) || statuses.includes(reason ?? ''), {
        timeoutMs: 60_000,
      });
    const lives = Array.from({ length: 8 }, async (_, index) => {
      const repoUrl = index % 2 === 0 ? null : 'https://scenarios.example/crash';
      const { id } = await client.projects.create({ name: `project ${index}`, repoUrl });
      await until(id, 'ready', 'crash-loop');
      await client.projects.stop(id);
      await until(id, 'stopped');
      if (index < 4) await client.projects.start(id);
      if (index < 2) await until(id, 'ready', 'crash-loop');
      await client.projects.delete(id);
      await until(id, 'archived');
    });
    await Promise.all(lives);
    for (const page of pages) await page.getByText('Create your first project').waitFor();
    const [one, other] = await Promise.all(
      pages.map((page) => page.evaluate(() => (window as unknown as { recording: Recording }).recording)),
    );
    if (one === undefined || other === undefined) throw new Error('There are to be two windows.');
    const changes = [one.observed.length, other.observed.length];
    // They have seen much of it, not only the end.
    expect(Math.min(...changes)).toBeGreaterThan(20);
    const longest = longestDisagreement(one, other);
    process.stdout.write(`two windows disagreed for ${longest} ms at most, in ${changes.join(' and ')} changes\n`);
    expect(longest).toBeLessThan(1_000);
  });

  it('move nothing on the page when a badge changes', async () => {
    const { page } = await signIn(browser, { url: system.url, user: 'user-b' });
    const owner = await createSdkClient(system, 'user-b');
    const name = `steady ${Date.now()}`;
    const { id } = await owner.projects.create({ name });
    const card = page.getByRole('article', { name });
    await card.waitFor();
    await page.evaluate(() => {
      const shifts: number[] = [];
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) shifts.push((entry as PerformanceEntry & { value: number }).value);
      }).observe({ type: 'layout-shift' });
      Object.assign(window, { shifts });
    });
    await card.locator('[data-status="ready"]').waitFor();
    await owner.projects.stop(id);
    await card.locator('[data-status="stopped"]').waitFor();
    await owner.projects.start(id);
    await card.locator('[data-status="ready"]').waitFor();
    expect(await page.evaluate(() => (window as unknown as { shifts: number[] }).shifts)).toEqual([]);
    await owner.close();
  });
});
