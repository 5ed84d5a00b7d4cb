/** Checks the accessibility and the width of a page with axe, in light, in dark and on a phone. */

import { AxeBuilder } from '@axe-core/playwright';
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
  await page.evaluate(async () => {
    // Chromium never settles `Animation.finished` of some transitions that were replaced meanwhile.
    do await new Promise(requestAnimationFrame);
    while (document.getAnimations().some(({ playState }) => playState === 'running'));
  });
}

async function expectWidth(page: Page, theme: Theme): Promise<void> {
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect([theme, width]).toEqual([theme, themes[theme].viewport.width]);
}

async function seriousViolations(page: Page, rules?: string[]): Promise<string[]> {
  // Legacy mode runs axe in the page itself instead of in a second page. That is enough for pages without frames.
  const axe = new AxeBuilder({ page }).setLegacyMode(true).options({ resultTypes: ['violations'] });
  const { violations } = await (rules === undefined ? axe : axe.withRules(rules)).analyze();
  const found = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map((node) => ({ id, ...node })));
  const skipped = await Promise.all(found.map(({ target }) => isSkipped(page, target)));
  return found
    .filter(({ id }, index) => id !== 'color-contrast' || !skipped[index])
    .map(({ id, html, failureSummary }) => `${id}: ${html} ${failureSummary}`);
}

/** Whether the browser does not draw the element now (content-visibility), and so keeps its colours of the last theme. */
function isSkipped(page: Page, target: unknown[]): Promise<boolean> {
  return page.evaluate(
    (selector) => !document.querySelector(selector)?.checkVisibility({ contentVisibilityAuto: true }),
    String(target[0]),
  );
}
