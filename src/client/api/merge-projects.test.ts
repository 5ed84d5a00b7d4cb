/** Merging into one list: examples and properties. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Project } from '../../shared/contract/project.ts';
import { belongsInList, mergeIntoPages, newerProject, type ProjectPages } from './merge-projects.ts';
import { all, pagesOf, some, testProject } from './test-projects.ts';

const namesIn = (pages: ProjectPages): string[] => pages.pages.flatMap((page) => page.items.map(({ name }) => name));

describe('a changed project in a list', () => {
  const held = pagesOf([testProject(3), testProject(2), testProject(1)]);

  it('replaces the older state at the same place', () => {
    const merged = mergeIntoPages(held, {}, some(testProject(2, { status: 'error', statusVersion: 2 })));
    expect(namesIn(merged)).toEqual(['project 3', 'project 2', 'project 1']);
    expect(merged.pages[0]?.items[1]?.status).toBe('error');
  });

  it('is dropped without a re-render when it is not newer than the held state', () => {
    expect(mergeIntoPages(held, {}, some(testProject(2, { status: 'error', statusVersion: 1 })))).toBe(held);
    expect(mergeIntoPages(held, {}, some(testProject(2, { status: 'error', statusVersion: 0 })))).toBe(held);
  });

  it('is inserted newest first when the list does not have it', () => {
    expect(namesIn(mergeIntoPages(held, {}, some(testProject(4))))[0]).toBe('project 4');
    const merged = mergeIntoPages(pagesOf([testProject(3), testProject(1)]), {}, some(testProject(2)));
    expect(namesIn(merged)).toEqual(['project 3', 'project 2', 'project 1']);
  });

  it('is inserted by name, ignoring case, into a list that is sorted by name', () => {
    const byName = pagesOf([testProject(1, { name: 'alpha' }), testProject(2, { name: 'Gamma' })]);
    const merged = mergeIntoPages(byName, { sort: 'name' }, some(testProject(3, { name: 'Beta' })));
    expect(namesIn(merged)).toEqual(['alpha', 'Beta', 'Gamma']);
  });

  it('moves to its new place in a list that is sorted by name when it is renamed', () => {
    const byName = pagesOf([testProject(1, { name: 'alpha' }), testProject(2, { name: 'beta' })]);
    const merged = mergeIntoPages(byName, { sort: 'name' }, some(testProject(1, { name: 'zeta', statusVersion: 2 })));
    expect(namesIn(merged)).toEqual(['beta', 'zeta']);
  });

  it('is left out when it sorts after the loaded pages', () => {
    const partly = pagesOf([testProject(5), testProject(4)], { more: true });
    expect(mergeIntoPages(partly, {}, some(testProject(1)))).toBe(partly);
  });

  it('enters and leaves a list that is filtered by status', () => {
    const ready = pagesOf([testProject(3), testProject(1)]);
    const left = mergeIntoPages(
      ready,
      { status: 'ready' },
      some(testProject(3, { status: 'error', statusVersion: 2 })),
    );
    expect(namesIn(left)).toEqual(['project 1']);
    const entered = mergeIntoPages(left, { status: 'ready' }, some(testProject(2, { statusVersion: 3 })));
    expect(namesIn(entered)).toEqual(['project 2', 'project 1']);
  });

  it('enters a list that is filtered by a search only when its name matches', () => {
    const found = pagesOf([testProject(1, { name: 'Billing' })]);
    const filter = { search: ' bill ' };
    expect(mergeIntoPages(found, filter, some(testProject(2, { name: 'docs' })))).toBe(found);
    expect(namesIn(mergeIntoPages(found, filter, some(testProject(2, { name: 'billing two' }))))).toHaveLength(2);
  });

  it('leaves the list when it was deleted', () => {
    const merged = mergeIntoPages(held, {}, some(testProject(2, { status: 'archived', statusVersion: 2 })));
    expect(namesIn(merged)).toEqual(['project 3', 'project 1']);
  });

  it('keeps the pages and the cursor of the next page', () => {
    const partly = pagesOf([testProject(5), testProject(4)], { more: true });
    const merged = mergeIntoPages(partly, {}, some(testProject(6)));
    expect(merged.pages.at(-1)?.nextCursor).toBe('after 2');
    expect(merged.pageParams).toEqual(partly.pageParams);
  });
});

describe('a snapshot in a list', () => {
  it('removes projects that it lacks and adds projects that were missed', () => {
    const held = pagesOf([testProject(3), testProject(2), testProject(1)]);
    expect(namesIn(mergeIntoPages(held, {}, all(testProject(4), testProject(1))))).toEqual(['project 4', 'project 1']);
  });

  it('never replaces a project by an older version', () => {
    const held = pagesOf([testProject(1, { statusVersion: 7, status: 'error' })]);
    expect(mergeIntoPages(held, {}, all(testProject(1, { statusVersion: 6 })))).toBe(held);
  });

  it('fills an empty list', () => {
    expect(namesIn(mergeIntoPages(pagesOf([]), {}, all(testProject(1), testProject(2))))).toEqual([
      'project 2',
      'project 1',
    ]);
  });
});

describe('merging in any order', () => {
  const change = fc.record({
    number: fc.integer({ min: 1, max: 6 }),
    statusVersion: fc.integer({ min: 1, max: 8 }),
  });
  // The content of a version is derived from its number, so equal versions are equal.
  const projectOf = ({ number, statusVersion }: { number: number; statusVersion: number }): Project =>
    testProject(number, {
      statusVersion,
      name: `${'cab'[(number + statusVersion) % 3]} ${number}`,
      status: statusVersion === 8 ? 'archived' : statusVersion % 2 === 0 ? 'ready' : 'initializing',
    });

  it.each([{}, { status: 'ready' as const }, { sort: 'name' as const }, { search: 'a' }])(
    'ends with the newest state of each project, sorted and without duplicates: %j',
    (filter) => {
      fc.assert(
        fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
          let pages = pagesOf([]);
          const newest = new Map<number, Project>();
          for (const each of changes) {
            const project = projectOf(each);
            const winner = newerProject(newest.get(each.number), project);
            newest.set(each.number, winner);
            // The cache passes the newest known state, so that a late older one cannot restore a removed project.
            pages = mergeIntoPages(pages, filter, some(winner));
          }
          const expected = [...newest.values()]
            .filter((project) => belongsInList(filter, project))
            .toSorted((one, other) =>
              'sort' in filter
                ? one.name.localeCompare(other.name) || other.id.localeCompare(one.id)
                : other.id.localeCompare(one.id),
            );
          expect(pages.pages.flatMap((page) => page.items)).toEqual(expected);
        }),
      );
    },
  );
});
