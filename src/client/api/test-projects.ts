/** Projects for tests of the client. */

import type { Project } from '../../shared/contract/project.ts';
import type { ProjectPages } from './merge-projects.ts';

/** A running project; the number determines the id and the time of creation. */
export function testProject(number: number, change: Partial<Project> = {}): Project {
  const id = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
  const at = new Date(Date.UTC(2026, 0, 1) + number * 60_000).toISOString();
  return {
    id,
    ownerId: 'owner',
    name: `project ${number}`,
    description: '',
    repoUrl: null,
    status: 'ready',
    desiredState: 'running',
    podName: `project-${id}-abcde`,
    namespace: 'opencode',
    phase: 'Running',
    reason: 'ready',
    message: 'All 3 containers are ready.',
    nextStep: null,
    actor: 'nobody',
    retryable: false,
    reasonSince: null,
    progress: null,
    evidence: [],
    containers: [],
    podCreatedAt: at,
    workspacePvcName: `workspace-${id}`,
    podError: null,
    generation: 1,
    observedGeneration: 1,
    statusVersion: 1,
    createdAt: at,
    updatedAt: at,
    deletedAt: null,
    ...change,
  };
}

/** Pages of two projects, newest first, as the server returns them. `more`: the server has further pages. */
export function pagesOf(projects: Project[], { more = false } = {}): ProjectPages {
  const pages = [];
  for (let from = 0; from === 0 || from < projects.length; from += 2) {
    const last = from + 2 >= projects.length;
    pages.push({ items: projects.slice(from, from + 2), nextCursor: last && !more ? null : `after ${from + 2}` });
  }
  return { pages, pageParams: pages.map((_, index) => (index === 0 ? null : `after ${index * 2}`)) };
}

/** Projects to merge: some of the projects, or all of them. */
export const some = (...projects: Project[]) => ({ projects, complete: false });
export const all = (...projects: Project[]) => ({ projects, complete: true });
