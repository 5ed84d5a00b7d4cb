/** Two windows of one user show the same states at the same time, and nothing moves when a badge changes. */

import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';

import type { StartedApp } from '../../support/started-app.ts';

interface ShownState {
  atMs: number;
  /** The badge of each card, by the name of the project. */
  badges: Record<string, string>;
}

interface Pause {
  fromMs: number;
  toMs: number;
}

interface Recording {
  states: ShownState[];
  /** Times in which the window got no processor: its timer of 50 ms did not run for 100 ms. */
  pauses: Pause[];
}

/** What `record` and `recordShifts` set in the page. */
const recordingOf = (page: Page) => page.evaluate(() => (window as unknown as { recording: Recording }).recording);
const shiftsOf = (page: Page) => page.evaluate(() => (window as unknown as { shifts: string[] }).shifts);

/** Records what the list shows, whenever it changes. */
async function record(page: Page): Promise<void> {
  await page.evaluate(() => {
    const states: ShownState[] = [];
    const recordState = (): void => {
      const badges: Record<string, string> = {};
      for (const card of document.querySelectorAll('article[data-project-id]')) {
        badges[card.querySelector('h2')?.textContent ?? ''] = card.querySelector('[data-status]')?.textContent ?? '';
      }
      if (JSON.stringify(badges) !== JSON.stringify(states.at(-1)?.badges)) states.push({ atMs: Date.now(), badges });
    };
    recordState();
    new MutationObserver(recordState).observe(document.body, {
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
    Object.assign(window, { recording: { states, pauses } });
  });
}

/** Returns the part of a time span that lies outside of the pauses, in milliseconds. The pauses may overlap. */
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
 * Returns the longest time for which two windows have shown different badges for one project, in milliseconds. Times in
 * which one of the windows got no processor do not count: they say nothing about what the server has sent.
 */
function longestDisagreement(one: Recording, other: Recording): number {
  const pauses = [...one.pauses, ...other.pauses];
  const changes = [one, other]
    .flatMap(({ states }, window) => states.map((state) => ({ ...state, window })))
    .toSorted((a, b) => a.atMs - b.atMs);
  const names = new Set(changes.flatMap(({ badges }) => Object.keys(badges)));
  let longestMs = 0;
  for (const name of names) {
    const shown: (string | undefined)[] = [undefined, undefined];
    let sinceMs: number | null = null;
    for (const { atMs, badges, window } of changes) {
      shown[window] = badges[name];
      if (shown[0] !== shown[1]) sinceMs ??= atMs;
      else if (sinceMs !== null) {
        longestMs = Math.max(longestMs, outsideOf(pauses, sinceMs, atMs));
        sinceMs = null;
      }
    }
    if (sinceMs !== null) return Infinity;
  }
  return longestMs;
}

/** Records each layout shift that the browser reports. */
async function recordShifts(page: Page): Promise<void> {
  await page.evaluate(() => {
    // Each entry is a `LayoutShift`, for which TypeScript has no type.
    type LayoutShift = PerformanceEntry & { value: number; sources: { node: Node | null }[] };
    const shifts: string[] = [];
    new PerformanceObserver((list) => {
      for (const { value, sources } of list.getEntries() as LayoutShift[]) {
        shifts.push(`${value}: ${sources.map(({ node }) => node?.textContent?.slice(0, 100)).join(' | ')}`);
      }
    }).observe({ type: 'layout-shift' });
    Object.assign(window, { shifts });
  });
}

export function twoWindowsSuite(app: StartedApp): void {
  it('disagree for less than a second while projects are created, fail, stop and are deleted', async () => {
    const windows = await Promise.all([app.openWindow('user-b'), app.openWindow('user-b')]);
    const pages = windows.map(({ page }) => page);
    for (const page of pages) {
      await page.getByText('Create your first project').waitFor();
      await page.getByText('Live', { exact: true }).waitFor();
      await record(page);
    }
    const client = await app.client('user-b');
    const until = async (id: string, ...states: string[]) =>
      client.waitFor(id, ({ status, reason }) => states.includes(status) || states.includes(reason ?? ''), {
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
    const [one, other] = await Promise.all(pages.map(recordingOf));
    if (one === undefined || other === undefined) throw new Error('There must be two recordings.');
    const changes = [one.states.length, other.states.length];
    expect(Math.min(...changes)).toBeGreaterThan(20); // both have shown the intermediate states too
    const longestMs = longestDisagreement(one, other);
    process.stdout.write(`two windows disagreed for at most ${longestMs} ms, in ${changes.join(' and ')} changes\n`);
    expect(longestMs).toBeLessThan(1_000);
  });

  it('move nothing on the page when a badge changes', async () => {
    const { page } = await app.openWindow('user-b');
    await page.getByText('Live', { exact: true }).waitFor();
    const client = await app.client('user-b');
    const { id, name } = await client.projects.create({ name: 'steady' });
    const card = page.getByRole('article', { name });
    await card.waitFor();
    // A window behind others draws late. What moved while the page was loaded must not count.
    await page.bringToFront();
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    await recordShifts(page);
    await card.locator('[data-status="ready"]').waitFor();
    await client.projects.stop(id);
    await card.locator('[data-status="stopped"]').waitFor();
    await client.projects.start(id);
    await card.locator('[data-status="ready"]').waitFor();
    expect(await shiftsOf(page)).toEqual([]);
    await client.projects.delete(id);
    await client.waitFor(id, ({ status }) => status === 'archived', { timeoutMs: 60_000 });
  });
}
