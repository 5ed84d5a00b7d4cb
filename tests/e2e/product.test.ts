/**
 * The product as `npm start` runs it: every scenario of the simulated cluster, and the user interface in a real browser.
 * The suites share one started system and one browser, because starting them takes longer than most suites. Each suite
 * uses its own development user, so that suites do not see each other's projects:
 *
 * - `user-a`: administration, diagnoses and pages, with the projects of `suites/scenario-projects.ts`
 * - `user-b`: project lifecycle, two windows, daily use, the board, logs. They delete their projects, so that pages can show an empty list.
 * - `user-c`: sessions, models, scenarios
 *
 * The scenarios are created late, because they load the machine, and checked last, because some take half a minute.
 */

import { afterAll, describe } from 'vitest';

import { hasBrowser } from '../support/browser.ts';
import { useStartedApp, type StartedApp } from '../support/started-app.ts';
import { administrationSuite } from './suites/administration.ts';
import { boardSuite } from './suites/board.ts';
import { dailyUseSuite } from './suites/daily-use.ts';
import { diagnosesSuite } from './suites/diagnoses.ts';
import { logsSuite } from './suites/logs.ts';
import { modelsSuite } from './suites/models.ts';
import { notificationsSuite } from './suites/notifications.ts';
import { pagesSuite } from './suites/pages.ts';
import { projectLifecycleSuite } from './suites/project-lifecycle.ts';
import { scenarioProjects } from './suites/scenario-projects.ts';
import { scenariosSuite } from './suites/scenarios.ts';
import { sessionsSuite } from './suites/sessions.ts';
import { twoWindowsSuite } from './suites/two-windows.ts';

describe('the product', { timeout: 60_000 }, () => {
  const app = useStartedApp({ MAX_PROJECTS_PER_USER: '100' });
  const scenarios = scenariosSuite(app);
  const projects = scenarioProjects(app);

  const inWindows = (title: string, suite: (app: StartedApp) => void) =>
    describe(title, () => {
      afterAll(() => app.closeWindows());
      suite(app);
    });

  describe.runIf(hasBrowser)('in the browser', () => {
    inWindows('the life of a project', projectLifecycleSuite);
    inWindows('two windows on the same projects', twoWindowsSuite);
    inWindows('daily use', dailyUseSuite);
    inWindows('the board of tasks', boardSuite);
    inWindows('the logs of a project', logsSuite);
    inWindows('the sessions page', sessionsSuite);
    inWindows('the settings of models', modelsSuite);
    inWindows('notifications of the browser', notificationsSuite);
    inWindows('the pages of administrators', administrationSuite);
  });
  describe('a scenario', () => scenarios.createProjects());
  describe.runIf(hasBrowser)('in the browser', () => {
    inWindows('the diagnosis of a project', () => diagnosesSuite(app, projects));
    inWindows('the page', () => pagesSuite(app, projects));
  });
  describe('a scenario', () => scenarios.checkReports());
});
