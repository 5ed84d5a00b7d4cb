/** Checks the accessibility and the width of a page with axe, in light, in dark and on a phone. */

import axe, { type RunOptions } from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

export const themes = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 860 } },
  phone: { colorScheme: 'light', viewport: { width: 375, height: 812 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 860 } },
} as const;
type Theme = keyof typeof themes;

/**
 * Expects that the current state of the page has no serious violation, and does not scroll sideways. The page is loaded
 * once and switched in place. All rules run in light. In dark only the colours differ, so only the contrast rule runs. On a
 * phone only the layout differs, so only the width is checked.
 * @param onShown called after each switch, for example to take a screenshot
 */
export async function expectAccessible(
  page: Page,
  { onShown = async () => undefined }: { onShown?: (theme: Theme) => Promise<unknown> } = {},
): Promise<void> {
  await showTheme(page, 'light');
  await onShown('light');
  expect(await seriousViolations(page)).toEqual([]);
  await expectWidth(page, 'light');
  await showTheme(page, 'phone');
  await onShown('phone');
  await expectWidth(page, 'phone');
  await showTheme(page, 'dark');
  await onShown('dark');
  expect(await seriousViolations(page, ['color-contrast'])).toEqual([]);
}

/** Switches the colour scheme and the size of the page, and waits until its animations have ended. */
export async function showTheme(page: Page, theme: Theme): Promise<void> {
  const { colorScheme, viewport } = themes[theme];
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await page.setViewportSize(viewport);
  await page.evaluate(async (scheme) => {
    // The page hears of the change by an event, which comes late to a window in the background.
    let chosen = 'auto';
    try {
      chosen = localStorage.getItem('mantine-color-scheme-value') ?? 'auto';
    } catch {
      // A page that was set without an address has no storage.
    }
    const expected = chosen === 'auto' ? scheme : chosen;
    const isOther = () =>
      ![expected, null].includes(document.documentElement.getAttribute('data-mantine-color-scheme'));
    while (isOther()) await new Promise(requestAnimationFrame);
    // Chromium never settles `Animation.finished` of some transitions that were replaced meanwhile.
    do await new Promise(requestAnimationFrame);
    while (document.getAnimations().some(({ playState }) => playState === 'running'));
  }, colorScheme);
}

async function expectWidth(page: Page, theme: Theme): Promise<void> {
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect([theme, width]).toEqual([theme, themes[theme].viewport.width]);
}

async function seriousViolations(page: Page, rules: string[] = []): Promise<string[]> {
  await loadAxe(page);
  const options = { resultTypes: ['violations'], ...(rules.length > 0 ? { runOnly: rules } : {}) } satisfies RunOptions;
  const violations = await page.evaluate(async (given) => {
    const results = await (globalThis as typeof globalThis & { axe: typeof axe }).axe.run(given);
    return results.violations.map(({ id, impact, nodes }) => ({
      id,
      impact,
      nodes: nodes.map(({ html, target, failureSummary }) => ({ html, target: String(target[0]), failureSummary })),
    }));
  }, options);
  const found = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map((node) => ({ id, ...node })));
  const skipped = await Promise.all(found.map(({ target }) => isSkipped(page, target)));
  return found
    .filter(({ id }, index) => id !== 'color-contrast' || !skipped[index])
    .map(({ id, html, failureSummary }) => `${id}: ${html} ${failureSummary}`);
}

/** Once for each document, because it takes longer than the check itself. */
async function loadAxe(page: Page): Promise<void> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe.source);
}

/** Whether the browser does not draw the element now (content-visibility), and so keeps its colours of the last theme. */
function isSkipped(page: Page, target: string): Promise<boolean> {
  return page.evaluate(
    (selector) => !document.querySelector(selector)?.checkVisibility({ contentVisibilityAuto: true }),
    target,
  );
}
