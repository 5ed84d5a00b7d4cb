/** Projects of `user-a` in different states, created once for the suites that show them. */

import type { Project } from '../../../src/shared/contract/project.ts';
import type { ReasonCode } from '../../../src/shared/contract/reasons.ts';
import type { StartedApp } from '../../support/started-app.ts';

const scenario = (name: string) => `https://scenarios.example/${name}`;

interface ScenarioProject {
  description: string;
  repoUrl: string | null;
  /** The project is ready to be shown when it has this reason. */
  until: ReasonCode;
}

const table = {
  'web-shop': {
    description: 'The shop and its checkout',
    repoUrl: 'https://github.com/acme/web-shop',
    until: 'ready',
  },
  billing: { description: 'Invoices, dunning and the ledger', repoUrl: null, until: 'stopped' },
  'search-index': { description: '', repoUrl: scenario('oom'), until: 'out-of-memory' },
  'mobile-app': { description: 'iOS and Android', repoUrl: scenario('clone-slow'), until: 'cloning' },
  'data-pipeline': { description: 'Nightly import', repoUrl: scenario('quota'), until: 'quota-exceeded' },
  docs: { description: 'Handbook', repoUrl: scenario('clone-denied'), until: 'clone-failed' },
  reports: { description: 'Monthly reports', repoUrl: scenario('multi-attach'), until: 'multi-attach' },
} satisfies Record<string, ScenarioProject>;

type ScenarioName = keyof typeof table;

export interface ScenarioProjects {
  prepare(): void;
  /** Resolves to the project's path when it has reached its state. */
  pathOf(name: ScenarioName): Promise<string>;
}

/** Each project is created when its path is first requested. `prepare` creates all of them without waiting. */
export function scenarioProjects(app: StartedApp): ScenarioProjects {
  const projects = new Map<ScenarioName, Promise<Project>>();
  function create(name: ScenarioName): Promise<Project> {
    const project = projects.get(name) ?? createProject(app, name, table[name]);
    projects.set(name, project);
    return project;
  }
  return {
    prepare() {
      for (const name of Object.keys(table) as ScenarioName[]) {
        // the keys of the table
        create(name).catch(() => undefined); // `pathOf` reports it
      }
    },
    pathOf: async (name) => `/projects/${(await create(name)).id}`,
  };
}

async function createProject(app: StartedApp, name: string, { until, ...input }: ScenarioProject): Promise<Project> {
  const client = await app.client('user-a');
  const { id } = await client.projects.create({ name, ...input });
  if (until === 'stopped') {
    await client.waitFor(id, ({ status }) => status === 'ready', { timeoutMs: 60_000 });
    await client.projects.stop(id);
  }
  return client.waitFor(id, ({ reason }) => reason === until, { timeoutMs: 60_000 });
}
