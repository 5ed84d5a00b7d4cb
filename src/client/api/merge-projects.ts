/**
 * How projects that arrive by events are written into what a page holds: pure functions, so that every order of
 * deliveries can be tested. An older version never replaces a newer one, and what the reader sees does not jump.
 */

import type { InfiniteData } from '@tanstack/react-query';

import type { Project, ProjectPage, ProjectSort } from '../../shared/contract/project.ts';
import type { ProjectStatus } from '../../shared/contract/states.ts';

export type ProjectPages = InfiniteData<ProjectPage, string | null>;

/** What a list shows, in the words of `projects.list`. */
export interface ListFilter {
  search?: string | undefined;
  status?: ProjectStatus | undefined;
  sort?: ProjectSort | undefined;
}

export interface IncomingProjects {
  projects: readonly Project[];
  /** The projects are all that there are: whatever else is held is gone. */
  complete: boolean;
}

/** The newer of two states of one project; the held one when both are equally new. */
export function newerProject(held: Project | undefined, incoming: Project): Project {
  return held !== undefined && held.statusVersion >= incoming.statusVersion ? held : incoming;
}

/** Whether a list with this filter shows the project. */
export function belongsInList(filter: ListFilter, project: Project): boolean {
  if (filter.status === undefined ? project.status === 'archived' : project.status !== filter.status) return false;
  const search = filter.search?.trim().toLowerCase() ?? '';
  return search === '' || project.name.toLowerCase().includes(search);
}

/**
 * Merges projects into the pages of one list. Held projects keep their place unless the sort says otherwise; new ones
 * are inserted where they sort; those that no longer match leave. A project that sorts behind the part loaded so far
 * is left out: its page brings it. Returns the very same object when nothing changes.
 * @param pick which of two states of one project to show: the newer one, unless somebody knows better
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
  const observed = new Set<string>();
  for (const item of items) {
    if (observed.has(item.id)) continue;
    observed.add(item.id);
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
    if (!observed.has(project.id) && belongsInList(filter, project)) toInsert.push(project);
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

/** Keeps the number of pages and their cursors; the last page takes up the difference. */
function intoPages(pages: readonly ProjectPage[], items: readonly Project[]): ProjectPage[] {
  let from = 0;
  return pages.map((page, index) => {
    const to = index === pages.length - 1 ? items.length : from + page.items.length;
    const slice = items.slice(from, to);
    from = to;
    return { ...page, items: slice };
  });
}
