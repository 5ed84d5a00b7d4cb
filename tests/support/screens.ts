/** Pictures of pages, for people. They are taken only when `SCREENS=1` is set. */

import { join } from 'node:path';
import process from 'node:process';

import type { Page } from 'playwright-core';

const folder = join(import.meta.dirname, '../../.cache/screens');

/** Returns the function that takes a picture of the current state of the page, in one theme. */
export const screenOf = (page: Page, name: string) => async (theme: string) => {
  if (process.env['SCREENS'] === '1') await page.screenshot({ path: join(folder, `${name}-${theme}.png`) });
};
