/** The open screens of a run: clients that watch all projects of their user, and remember what they were shown (I4). */

import type { ProjectStatus } from '../../src/shared/contract/states.ts';
import { createClient, type Client, type Project } from '../../src/shared/sdk/client.ts';
import type { Violations } from './violations.ts';

export interface Viewer {
  name: string;
  user: number;
  server: number;
  client: Client;
  /** The last state of each project that it was shown, by id. */
  view: ReadonlyMap<string, Project>;
  /** How many states it was shown in all. */
  observedStates(): number;
  /** Versions in the order in which they came. */
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
  let observedStates = 0;
  let closing = false;

  async function follow(): Promise<void> {
    try {
      for await (const project of client.watch()) {
        const { id, statusVersion, status } = project;
        const before = view.get(id)?.statusVersion ?? 0;
        if (statusVersion <= before) {
          violations.report('I4', id, `the ${name} was shown version ${statusVersion} after ${before}`);
        }
        if (project.ownerId !== (view.values().next().value?.ownerId ?? project.ownerId)) {
          violations.report('I4', id, `the ${name} was shown a project of somebody else`);
        }
        view.set(id, project);
        histories.set(id, [...(histories.get(id) ?? []), { version: statusVersion, status }]);
        observedStates += 1;
      }
      if (!closing) violations.report('I4', null, `the watch of the ${name} has ended by itself`);
    } catch (error) {
      violations.report('I4', null, `the watch of the ${name} has failed: ${String(error)}`);
    }
  }

  const following = follow();
  return {
    name,
    user,
    server,
    client,
    view,
    observedStates: () => observedStates,
    historyOf: (projectId) => histories.get(projectId) ?? [],
    async close() {
      closing = true;
      await client.close();
      await following;
    },
  };
}
