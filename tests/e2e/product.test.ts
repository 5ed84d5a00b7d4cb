/**
 * The product as `npm start` runs it: every scenario of the simulated cluster, and the user interface in a real browser.
 * The suites share one started system and one browser, because starting them takes longer than most suites. Each suite
 * uses its own development user, so that suites do not see each other's projects:
 *
 * - `user-a`: diagnoses and pages, with the projects of `suites/scenario-projects.ts`
 * - `user-b`: project lifecycle, two windows, the empty list in pages, daily use. The first two end without projects.
 * - `user-c`: scenarios, sessions
 */

import { describe } from 'vitest';

import { hasBrowser } from '../support/browser.ts';
import { useStartedApp } from '../support/started-app.ts';
import { dailyUseSuite } from './suites/daily-use.ts';
import { diagnosesSuite } from './suites/diagnoses.ts';
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

  describe('a scenario', () => scenarios.createProjects());
  describe.runIf(hasBrowser)('in the browser', () => {
    describe('the life of a project', () => projectLifecycleSuite(app));
    describe('two windows on the same projects', () => twoWindowsSuite(app));
    describe('the diagnosis of a project', () => diagnosesSuite(app, projects));
    describe('the page', () => pagesSuite(app, projects));
    describe('daily use', () => dailyUseSuite(app));
    describe('the sessions page', () => sessionsSuite(app));
  });
  describe('a scenario', () => scenarios.checkReports());
});
