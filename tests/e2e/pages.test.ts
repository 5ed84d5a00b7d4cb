/**
 * Every page and state of the application in light, dark and on a phone: none may have a serious fault of accessibility or
 * scroll sideways. Each is also kept as a picture in `.cache/screens`, for people to look at.
 */

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Project } from '../../src/shared/contract/project.ts';
import type { Client } from '../../src/shared/sdk/client.ts';
import { axeOn } from '../support/axe.ts';
import { hasBrowser, signIn, startBrowser, type Person } from '../support/browser.ts';
import { createSdkClient } from '../support/sdk-client.ts';
import { createDataDir, startSystem, type StartedSystem } from '../support/started-system.ts';

const screens = join(import.meta.dirname, '../../.cache/screens');
const looks = [
  { name: 'light', colorScheme: 'light', viewport: { width: 1280, height: 860 } },
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1280, height: 860 } },
  { name: 'phone', colorScheme: 'light', viewport: { width: 375, height: 812 } },
] as const;

const projects = [
  {
    name: 'web-shop',
    description: 'The shop and its checkout',
    repoUrl: 'https://github.com/acme/web-shop',
    until: 'ready',
  },
  { name: 'billing', description: 'Invoices, dunning and the ledger', repoUrl: null, until: 'stopped' },
  { name: 'search-index', description: '', repoUrl: 'https://scenarios.example/oom', until: 'out-of-memory' },
  {
    name: 'mobile-app',
    description: 'iOS and Android',
    repoUrl: 'https://scenarios.example/clone-slow',
    until: 'cloning',
  },
  {
    name: 'data-pipeline',
    description: 'Nightly import',
    repoUrl: 'https://scenarios.example/quota',
    until: 'quota-exceeded',
  },
  { name: 'docs', description: 'Handbook', repoUrl: 'https://scenarios.example/clone-denied', until: 'clone-failed' },
];

describe.runIf(hasBrowser)('every page', { timeout: 120_000 }, () => {
  const { dataDir, remove } = createDataDir();
  let system: StartedSystem;
  let browser: Browser;
  let client: Client;
  let owner: Person;
  let newcomer: Person;
  let known: Record<string, Project>;

  beforeAll(async () => {
    rmSync(screens, { recursive: true, force: true });
    mkdirSync(screens, { recursive: true });
    [system, browser] = await Promise.all([startSystem({ dataDir }), startBrowser()]);
    [client, owner, newcomer] = await Promise.all([
      createSdkClient(system, 'user-a'),
      signIn(browser, { url: system.url, user: 'user-a' }),
      signIn(browser, { url: system.url, user: 'user-b' }),
    ]);
    const reached = projects.map(async ({ until, ...input }) => {
      const { id } = await client.projects.create(input);
      if (until !== 'stopped') return client.waitFor(id, ({ reason }) => reason === until, { timeoutMs: 60_000 });
      await client.waitFor(id, ({ status }) => status === 'ready', { timeoutMs: 60_000 });
      await client.projects.stop(id);
      return client.waitFor(id, ({ status }) => status === 'stopped', { timeoutMs: 60_000 });
    });
    known = Object.fromEntries((await Promise.all(reached)).map((project) => [project.name, project]));
  }, 120_000);

  afterAll(async () => {
    await client?.close();
    await browser?.close();
    await system?.end('SIGKILL');
    remove();
  });

  const detail = (name: string, rest = ''): string => `/projects/${known[name]?.id}${rest}`;
  const ready = (page: Page, text: string) => page.getByText(text).first().waitFor();

  type Open = (page: Page) => Promise<unknown>;
  const states: [name: string, who: 'owner' | 'newcomer' | 'stranger', path: () => string, open: Open][] = [
    ['sign-in', 'stranger', () => '/projects', (page) => ready(page, 'Sign in')],
    ['projects-empty', 'newcomer', () => '/projects', (page) => ready(page, 'Create your first project')],
    ['projects', 'owner', () => '/projects', (page) => ready(page, 'web-shop')],
    ['projects-none-found', 'owner', () => '/projects?q=nothing', (page) => ready(page, 'No project matches')],
    [
      'project-new',
      'owner',
      () => '/projects?new',
      async (page) => {
        await page.getByRole('dialog').getByLabel('Name').fill('-wrong');
        await ready(page, 'start with a letter or a digit');
      },
    ],
    [
      'project-menu',
      'owner',
      () => '/projects',
      async (page) => {
        await page.getByRole('button', { name: 'Actions for billing' }).click();
        await page.getByRole('menuitem', { name: 'Start', exact: true }).waitFor();
      },
    ],
    ['project-running', 'owner', () => detail('web-shop'), (page) => ready(page, 'All 3 containers are ready')],
    ['project-starting', 'owner', () => detail('mobile-app'), (page) => ready(page, 'Cloning the repository')],
    ['project-failing', 'owner', () => detail('search-index'), (page) => ready(page, 'Out of memory')],
    ['project-refused', 'owner', () => detail('data-pipeline'), (page) => ready(page, 'Quota used up')],
    ['project-clone-failed', 'owner', () => detail('docs'), (page) => ready(page, 'could not be cloned')],
    ['project-stopped', 'owner', () => detail('billing'), (page) => ready(page, 'Stopped')],
    [
      'project-evidence',
      'owner',
      () => detail('search-index'),
      async (page) => {
        await page
          .getByText(/What Kubernetes says/i)
          .first()
          .click();
        await page.getByRole('button', { name: /Copy diagnosis/ }).waitFor();
      },
    ],
    ['project-rename', 'owner', () => detail('billing', '?edit=name'), (page) => ready(page, 'Save')],
    ['project-edit-description', 'owner', () => detail('billing', '?edit=description'), (page) => ready(page, 'Save')],
    ['project-delete', 'owner', () => detail('billing', '?delete'), (page) => ready(page, 'to confirm')],
    ['project-tasks', 'owner', () => detail('web-shop', '/tasks'), (page) => ready(page, 'No tasks yet')],
    ['project-files', 'owner', () => detail('web-shop', '/files'), (page) => ready(page, 'No files to show yet')],
    ['project-config', 'owner', () => detail('web-shop', '/config'), (page) => ready(page, 'Nothing to configure yet')],
    [
      'project-unknown',
      'owner',
      () => '/projects/00000000-0000-4000-8000-000000000000',
      (page) => ready(page, 'There is no such project'),
    ],
    ['page-unknown', 'owner', () => '/no/such/page', (page) => ready(page, 'There is no such page')],
    ['settings-profile', 'owner', () => '/settings/profile', (page) => ready(page, 'User id')],
    ['settings-tokens', 'owner', () => '/settings/tokens', (page) => ready(page, 'New token')],
    ['settings-sessions', 'owner', () => '/settings/sessions', (page) => ready(page, 'This device')],
    ['settings-appearance', 'owner', () => '/settings/appearance', (page) => ready(page, 'Theme')],
    [
      'palette',
      'owner',
      () => detail('web-shop'),
      async (page) => {
        await page.getByRole('button', { name: 'Find a project or a command' }).click();
        await page.getByRole('option', { name: 'billing' }).waitFor();
      },
    ],
    [
      'shortcuts',
      'owner',
      () => '/projects',
      async (page) => {
        await ready(page, 'web-shop');
        await page.keyboard.press('?');
        await ready(page, 'Keyboard shortcuts');
      },
    ],
    [
      'offline',
      'owner',
      () => '/projects',
      async (page) => {
        await ready(page, 'Live');
        await page.context().setOffline(true);
        await ready(page, 'You are offline.');
      },
    ],
  ];

  it.each(states)(
    '%s has no serious fault and does not scroll sideways, in light, dark and on a phone',
    async (name, who, path, open) => {
      const page = await pageOf(who);
      try {
        await show(page, looks[0]);
        await page.goto(`${system.url}${path()}`);
        await open(page);
        for (const look of looks) {
          await show(page, look);
          await page.screenshot({ path: join(screens, `${name}-${look.name}.png`) });
          expect([look.name, await seriousFaults(page, look)]).toEqual([look.name, []]);
          const width = await page.evaluate(() => document.documentElement.scrollWidth);
          expect([look.name, width]).toEqual([look.name, look.viewport.width]);
        }
      } finally {
        await page.context().setOffline(false);
      }
    },
  );

  async function pageOf(who: 'owner' | 'newcomer' | 'stranger'): Promise<Page> {
    if (who === 'owner') return owner.page;
    return who === 'newcomer' ? newcomer.page : (await browser.newContext()).newPage();
  }
});

type Look = (typeof looks)[number];

/** The page in this look, as soon as it stands still. */
async function show(page: Page, { colorScheme, viewport }: Look): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await page.setViewportSize(viewport);
  await page.evaluate(async () => {
    await new Promise(requestAnimationFrame);
    await Promise.allSettled(document.getAnimations().map((animation) => animation.finished));
  });
}

/** In the dark only the colours are others, and on a phone only the places. */
async function seriousFaults(page: Page, { name }: Look): Promise<string[]> {
  if (name === 'phone') return [];
  const axe = axeOn(page);
  const { violations } = await (name === 'dark' ? axe.withRules(['color-contrast']) : axe).analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}
