/** Projects for tests of the client. */

import { projectFixture, projectIdOf } from '../../../tests/support/project-fixture.ts';
import type { Project } from '../../shared/contract/project.ts';
import type { ProjectPages } from './merge-projects.ts';

/** A running project. The number determines the id and the time of creation. */
export function testProject(number: number, changes: Partial<Project> = {}): Project {
  const at = new Date(Date.UTC(2026, 0, 1) + number * 60_000).toISOString();
  return projectFixture({
    id: projectIdOf(number),
    name: `project ${number}`,
    message: 'All 3 containers are ready.',
    podCreatedAt: at,
    createdAt: at,
    updatedAt: at,
    ...changes,
  });
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
