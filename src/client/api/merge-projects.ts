/**
 * Merges projects from events into the pages of a list: pure functions, so that every order of deliveries can be tested. An
 * older version never replaces a newer one, and projects keep their place on the screen.
 */

import type { InfiniteData } from '@tanstack/react-query';

import type { Project, ProjectPage, ProjectSort } from '../../shared/contract/project.ts';
import type { ProjectStatus } from '../../shared/contract/states.ts';

export type ProjectPages = InfiniteData<ProjectPage, string | null>;

/** What a list shows: the filter and sort of `projects.list`. */
export interface ListFilter {
  search?: string | undefined;
  status?: ProjectStatus | undefined;
  inTrash?: boolean | undefined;
  sort?: ProjectSort | undefined;
}

export interface IncomingProjects {
  projects: readonly Project[];
  /** These are all projects, so all other projects are removed from the list. */
  complete: boolean;
}

/** The newer of two states of one project; the held one if both have the same version. */
export function newerProject(held: Project | undefined, incoming: Project): Project {
  return held !== undefined && held.statusVersion >= incoming.statusVersion ? held : incoming;
}

/** Whether a list with this filter shows the project. */
export function belongsInList(filter: ListFilter, project: Project): boolean {
  if (project.role === 'none') return false; // it is not shared any more
  if (filter.status === undefined ? project.status === 'archived' : project.status !== filter.status) return false;
  if (project.status !== 'archived' && (project.trashedAt !== null) !== (filter.inTrash ?? false)) return false;
  const search = filter.search?.trim().toLowerCase() ?? '';
  return search === '' || project.name.toLowerCase().includes(search);
}

/**
 * Merges projects into the pages of one list. Held projects keep their place unless their sort key changed. New projects are
 * inserted at their sorted place. Projects that no longer match the filter are removed. A project that sorts after the loaded
 * pages is left out, because its own page will contain it. Returns the same object if nothing changes.
 * @param pick chooses which of two states of one project to show; the newer one by default
 */
export function mergeIntoPages(
  held: ProjectPages,
  filter: ListFilter,
  incoming: IncomingProjects,
  pick: (held: Project, incoming: Project) => Project = newerProject,
): ProjectPages {
  const items = held.pages.flatMap((page) => page.items);
  const arriving = new Map(incoming.projects.map((project) => [project.id, project]));
  const merged: Project[] = [];
  const toInsert: Project[] = [];
  const visited = new Set<string>();
  for (const item of items) {
    if (visited.has(item.id)) continue;
    visited.add(item.id);
    const arrived = arriving.get(item.id);
    if (arrived === undefined) {
      if (!incoming.complete) merged.push(item);
      continue;
    }
    const newest = pick(item, arrived);
    if (!belongsInList(filter, newest)) continue;
    (compareProjects(filter.sort, item, newest) === 0 ? merged : toInsert).push(newest);
  }
  for (const project of arriving.values()) {
    if (!visited.has(project.id) && belongsInList(filter, project)) toInsert.push(project);
  }
  const lastItem = items.at(-1);
  const loadedUpTo = held.pages.at(-1)?.nextCursor != null ? lastItem : undefined;
  for (const project of toInsert) {
    if (loadedUpTo !== undefined && compareProjects(filter.sort, loadedUpTo, project) < 0) continue;
    const index = merged.findIndex((other) => compareProjects(filter.sort, project, other) < 0);
    merged.splice(index === -1 ? merged.length : index, 0, project);
  }
  return sameItems(items, merged) ? held : { ...held, pages: intoPages(held.pages, merged) };
}

/** Newest first, or A to Z without regard to case; the id decides between equals. */
function compareProjects(sort: ProjectSort | undefined, one: Project, other: Project): number {
  const byKey =
    sort === 'name'
      ? compareText(one.name.toLowerCase(), other.name.toLowerCase())
      : compareText(other.createdAt, one.createdAt);
  return byKey === 0 ? compareText(other.id, one.id) : byKey;
}

function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function sameItems(one: readonly Project[], other: readonly Project[]): boolean {
  return one.length === other.length && one.every((project, index) => project === other[index]);
}

/** Keeps the number of pages and their cursors; the length of the last page absorbs the difference. */
function intoPages(pages: readonly ProjectPage[], items: readonly Project[]): ProjectPage[] {
  let from = 0;
  return pages.map((page, index) => {
    const to = index === pages.length - 1 ? items.length : from + page.items.length;
    const slice = items.slice(from, to);
    from = to;
    return { ...page, items: slice };
  });
}
