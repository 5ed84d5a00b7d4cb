/**
 * Every page and state of the user interface: none has a serious violation of accessibility, and none scrolls sideways.
 * `SCREENS=1 npx vitest run tests/e2e/product.test.ts` also writes a picture of each to `.cache/screens`.
 */

import type { Page } from 'playwright-core';
import { beforeAll, it } from 'vitest';

import { expectAccessible, showTheme } from '../../support/axe.ts';
import { openWindow, type BrowserWindow } from '../../support/browser.ts';
import { screenOf } from '../../support/screens.ts';
import type { StartedApp } from '../../support/started-app.ts';
import type { ScenarioProjects } from './scenario-projects.ts';

type Visitor = 'owner' | 'newcomer' | 'stranger';

interface PageState {
  visitor: Visitor;
  path: string | (() => Promise<string>);
  /** Brings the page into its state after it was opened. */
  reach: (page: Page) => Promise<unknown>;
}

const shows = (text: string) => (page: Page) => page.getByText(text).first().waitFor();

export function pagesSuite(app: StartedApp, projects: ScenarioProjects): void {
  let windows: Record<Visitor, BrowserWindow>;

  beforeAll(async () => {
    projects.prepare();
    const [owner, newcomer, stranger] = await Promise.all([
      app.openWindow('user-a'),
      app.openWindow('user-b'),
      openWindow(app.browser),
    ]);
    windows = { owner, newcomer, stranger };
  });

  const states = { ...listStates(projects), ...projectStates(projects), ...settingsStates, ...overlayStates(projects) };

  it.each(Object.entries(states))(
    '%s is accessible and does not scroll sideways, in light, in dark and on a phone',
    async (name, { visitor, path, reach }) => {
      const { page } = windows[visitor];
      await showTheme(page, 'light');
      await page.goto(`${app.system.url}${typeof path === 'string' ? path : await path()}`);
      await reach(page);
      await expectAccessible(page, { onShown: screenOf(page, name) });
      await page.context().setOffline(false);
      await page.unrouteAll();
    },
  );
}

/** One project counts down and another one was stopped: what the page has read says so, and is newer than what it hears. */
async function showIdle(page: Page): Promise<void> {
  await page.route('**/trpc/**projects.list**', async (route) => {
    const response = await route.fetch();
    const body = (await response.text())
      .replaceAll('"idleStopInMinutes":null', '"idleStopInMinutes":8')
      .replaceAll('"idleStoppedAfterMinutes":null', '"idleStoppedAfterMinutes":240')
      .replaceAll('"statusVersion":', '"statusVersion":1000');
    await route.fulfill({ response, body });
  });
  await page.reload();
  await page.getByRole('article', { name: 'billing' }).getByText('Stopped: idle for 4 hours').waitFor();
  const card = page.getByRole('article', { name: 'web-shop' });
  await card.getByText('Stops in 8 min: idle').waitFor();
  const request = page.waitForRequest('**/trpc/**projects.keep**');
  await card.getByRole('button', { name: 'Keep web-shop running' }).click();
  await request;
  await card.getByText('Stops in 8 min: idle').waitFor({ state: 'hidden' });
}

/** Every project is in the trash: what the page has read says so, and is newer than what it hears. */
async function showTrashed(page: Page): Promise<void> {
  await page.route(/\/trpc\/.*projects\.(?:list|get)/, async (route) => {
    const request = route.request();
    const response = await route.fetch({
      url: request.url().replaceAll('%22inTrash%22%3Atrue', '%22inTrash%22%3Afalse'),
    });
    const body = (await response.text())
      .replaceAll('"trashedAt":null', '"trashedAt":"2026-01-01T12:00:00.000Z"')
      .replaceAll('"trashDaysLeft":null', '"trashDaysLeft":3')
      .replaceAll('"statusVersion":', '"statusVersion":1000');
    await route.fulfill({ response, body });
  });
}

/** The sign-in page, the list of projects and the pages for unknown addresses. */
const listStates = (projects: ScenarioProjects) =>
  ({
    'sign-in': { visitor: 'stranger', path: '/projects', reach: shows('Sign in') },
    'projects-empty': { visitor: 'newcomer', path: '/projects', reach: shows('Create your first project') },
    projects: {
      visitor: 'owner',
      path: '/projects',
      async reach(page) {
        for (const name of ['billing', 'search-index', 'data-pipeline', 'docs'] as const) await projects.pathOf(name);
        await shows('web-shop')(page);
      },
    },
    'projects-idle': {
      visitor: 'owner',
      path: '/projects',
      async reach(page) {
        for (const name of ['billing', 'web-shop', 'docs'] as const) await projects.pathOf(name);
        await showIdle(page);
      },
    },
    'projects-trash': {
      visitor: 'owner',
      path: '/projects?status=trash',
      async reach(page) {
        for (const name of ['billing', 'web-shop', 'docs'] as const) await projects.pathOf(name);
        await showTrashed(page);
        await page.reload();
        await page.getByRole('button', { name: 'Restore billing' }).waitFor();
      },
    },
    'trash-empty': { visitor: 'owner', path: '/projects?status=trash', reach: shows('The trash is empty') },
    'projects-none-found': { visitor: 'owner', path: '/projects?q=nothing', reach: shows('No project matches') },
    'project-unknown': {
      visitor: 'owner',
      path: '/projects/00000000-0000-4000-8000-000000000000',
      reach: shows('There is no such project'),
    },
    'page-unknown': { visitor: 'owner', path: '/no/such/page', reach: shows('There is no such page') },
    offline: {
      visitor: 'owner',
      path: '/projects',
      async reach(page) {
        await shows('Live')(page);
        await page.context().setOffline(true);
        await shows('You are offline.')(page);
      },
    },
  }) satisfies Record<string, PageState>;

/** The page of a project, in different states and with its tabs and editors. */
function projectStates({ pathOf }: ScenarioProjects): Record<string, PageState> {
  const state = (name: Parameters<typeof pathOf>[0], rest: string, text: string): PageState => ({
    visitor: 'owner',
    path: async () => `${await pathOf(name)}${rest}`,
    reach: shows(text),
  });
  return {
    'project-running': state('web-shop', '', 'All 3 containers are ready'),
    'project-starting': state('mobile-app', '', 'Cloning the repository'),
    'project-failing': state('search-index', '', 'Out of memory'),
    'project-refused': state('data-pipeline', '', 'Quota used up'),
    'project-clone-failed': state('docs', '', 'could not be cloned'),
    'project-stopped': state('billing', '', 'Stopped'),
    'project-evidence': {
      ...state('search-index', '', ''),
      async reach(page) {
        await page.getByText('What Kubernetes says').first().click();
        await page.getByRole('button', { name: 'Copy diagnosis' }).waitFor();
      },
    },
    'project-rename': state('billing', '?edit=name', 'Save'),
    'project-edit-description': state('billing', '?edit=description', 'Save'),
    'project-delete': state('billing', '?delete', 'Move to trash'),
    'project-delete-for-good': {
      ...state('billing', '?delete', ''),
      async reach(page) {
        await page.getByRole('button', { name: 'Delete for good instead' }).click();
        await shows('to confirm')(page);
      },
    },
    'project-trashed': {
      ...state('billing', '', ''),
      async reach(page) {
        await showTrashed(page);
        await page.reload();
        await shows('Will be deleted in 3 days')(page);
      },
    },
    'project-logs': state('web-shop', '/logs?container=session-proxy', 'listening on 0.0.0.0:3002'),
    'project-logs-not-started': state('mobile-app', '/logs', 'has not started yet'),
    'project-tasks': state('web-shop', '/tasks', 'No tasks yet'),
    'project-files': state('web-shop', '/files', 'There are no files here'),
    'project-config': state('web-shop', '/config', 'No configuration is saved yet'),
  };
}

/** The sessions page is checked by `sessions.ts`, with several sessions in the list. */
const settingsStates = {
  'settings-profile': { visitor: 'owner', path: '/settings/profile', reach: shows('User id') },
  'settings-usage-none': { visitor: 'owner', path: '/settings/usage', reach: shows('Nothing was used') },
  'settings-tokens': { visitor: 'owner', path: '/settings/tokens', reach: shows('New token') },
  'settings-notifications': { visitor: 'owner', path: '/settings/notifications', reach: shows('Notify me') },
  'settings-appearance': {
    visitor: 'owner',
    path: '/settings/appearance',
    async reach(page) {
      await page.getByRole('button', { name: 'Switch to the dark theme' }).hover();
      await page.getByRole('tooltip').waitFor(); // its code is loaded now
    },
  },
} satisfies Record<string, PageState>;

/** Dialogs and menus above a page. */
const overlayStates = ({ pathOf }: ScenarioProjects) =>
  ({
    'project-new': {
      visitor: 'owner',
      path: '/projects?new',
      async reach(page) {
        await page.getByRole('dialog').getByLabel('Name').fill('-wrong');
        await shows('start with a letter or a digit')(page);
      },
    },
    'project-menu': {
      visitor: 'owner',
      path: '/projects',
      async reach(page) {
        await page.getByRole('button', { name: 'Actions for billing' }).click();
        await page.getByRole('menuitem', { name: 'Start', exact: true }).waitFor();
      },
    },
    palette: {
      visitor: 'owner',
      path: () => pathOf('web-shop'),
      async reach(page) {
        await page.getByRole('button', { name: 'Find a project or a command' }).click();
        await page.getByRole('option', { name: 'billing' }).waitFor();
      },
    },
    shortcuts: {
      visitor: 'owner',
      path: '/projects',
      async reach(page) {
        await shows('web-shop')(page);
        await page.keyboard.press('?');
        await shows('Keyboard shortcuts')(page);
      },
    },
  }) satisfies Record<string, PageState>;
