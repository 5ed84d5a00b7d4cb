/** The clients of a run. Each watches all projects of its user and records what it received, to check I4. */

import type { ProjectStatus } from '../../src/shared/contract/states.ts';
import { createClient, type Client, type Project } from '../../src/shared/sdk/client.ts';
import type { Violations } from './violations.ts';

export interface Viewer {
  name: string;
  user: number;
  server: number;
  client: Client;
  /** The last received state of each project, by id. */
  view: ReadonlyMap<string, Project>;
  /** The number of states received so far. */
  stateCount(): number;
  /** The versions in the order in which they arrived. */
  historyOf(projectId: string): { version: number; status: ProjectStatus }[];
  close(): Promise<void>;
}

export function openViewer(options: {
  user: number;
  server: number;
  url: string;
  token: string;
  violations: Violations;
}): Viewer {
  const { user, server, url, token, violations } = options;
  const name = `client of user ${user} at server ${server}`;
  const client = createClient({ url, token });
  const view = new Map<string, Project>();
  const histories = new Map<string, { version: number; status: ProjectStatus }[]>();
  let stateCount = 0;
  let closing = false;

  async function follow(): Promise<void> {
    try {
      for await (const project of client.watch()) {
        const { id, statusVersion, status } = project;
        const before = view.get(id)?.statusVersion ?? 0;
        if (statusVersion <= before) {
          violations.report('I4', id, `the ${name} received version ${statusVersion} after ${before}`);
        }
        if (project.ownerId !== (view.values().next().value?.ownerId ?? project.ownerId)) {
          violations.report('I4', id, `the ${name} received a project of another user`);
        }
        view.set(id, project);
        histories.set(id, [...(histories.get(id) ?? []), { version: statusVersion, status }]);
        stateCount += 1;
      }
      if (!closing) violations.report('I4', null, `the watch of the ${name} ended by itself`);
    } catch (error) {
      violations.report('I4', null, `the watch of the ${name} failed: ${String(error)}`);
    }
  }

  const following = follow();
  return {
    name,
    user,
    server,
    client,
    view,
    stateCount: () => stateCount,
    historyOf: (projectId) => histories.get(projectId) ?? [],
    async close() {
      closing = true;
      await client.close();
      await following;
    },
  };
}
