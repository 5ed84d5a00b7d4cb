/** What axe has to say about a page of ours. */

import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';

/** In the page itself, for there are no frames in it: that takes two thirds of the time that a page beside it does. */
export const axeOn = (page: Page): AxeBuilder => new AxeBuilder({ page }).setLegacyMode(true);
