/**
 * Properties of the project cache and of merging. The server is a log in which each project changes and may end as archived.
 * Deliveries are entries and snapshots of that log. The network repeats, delays and reorders them.
 */

import { QueryClient } from '@tanstack/react-query';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Project } from '../../shared/contract/project.ts';
import { belongsInList, mergeIntoPages, type ListFilter, type ProjectPages } from './merge-projects.ts';
import { createProjectCache, type ProjectCache } from './project-cache.ts';
import { all, pagesOf, some, testProject } from './test-projects.ts';

/** Changes of a few projects in the server's order. The content of a version is derived from its number. */
const anyLog: fc.Arbitrary<Project[]> = fc
  .array(fc.record({ number: fc.integer({ min: 1, max: 4 }), archives: fc.nat(5).map((n) => n === 0) }), {
    minLength: 1,
    maxLength: 16,
  })
  .map((changes) => {
    const last = new Map<number, Project>();
    return changes.flatMap(({ number, archives }) => {
      const before = last.get(number);
      if (before?.status === 'archived') return [];
      const statusVersion = (before?.statusVersion ?? 0) + 1;
      const status = archives ? 'archived' : statusVersion % 2 === 0 ? 'ready' : 'initializing';
      const name = `${'cab'[(number + statusVersion) % 3]} ${number}`;
      const project = testProject(number, { statusVersion, status, name });
      last.set(number, project);
      return [project];
    });
  });

/** Some of the entries, or each of them at least once, in any order. */
function anyDelivery(entries: Project[], { of }: { of: 'some' | 'each' }): fc.Arbitrary<Project[]> {
  const again = entries.length === 0 ? fc.constant([]) : fc.array(fc.constantFrom(...entries), { maxLength: 8 });
  return again.chain((repeated) =>
    fc.shuffledSubarray(
      [...entries, ...repeated],
      of === 'each' ? { minLength: entries.length + repeated.length } : {},
    ),
  );
}

type Delivery = { snapshot: Project[] } | { entry: Project };
const freshness = { state: 'live', asOf: null } as const;
const listFilters: ListFilter[] = [{}, { status: 'ready' }, { sort: 'name' }, { search: 'a' }];

/** The projects as they are after these entries of the log, each once. */
function stateAfter(entries: Project[]): Project[] {
  return [...new Map(entries.map((project) => [project.id, project])).values()];
}

function isLive(project: Project): boolean {
  return project.status !== 'archived';
}

function truthFor(filter: ListFilter, log: Project[]): Project[] {
  return stateAfter(log)
    .filter((project) => belongsInList(filter, project))
    .toSorted((one, other) =>
      filter.sort === 'name' ? one.name.localeCompare(other.name) : other.id.localeCompare(one.id),
    );
}

/** A page with four lists over one project cache. */
function openPage() {
  const queryClient = new QueryClient();
  const cache = createProjectCache({ queryClient });
  const keyOf = (input: ListFilter) => [['projects', 'list'], { input, type: 'infinite' }];
  for (const filter of listFilters) queryClient.setQueryData(keyOf(filter), pagesOf([]));
  return {
    shown: (filter: ListFilter): Project[] =>
      queryClient.getQueryData<ProjectPages>(keyOf(filter))?.pages.flatMap((page) => page.items) ?? [],
    receive(delivery: Delivery): void {
      if ('snapshot' in delivery) cache.write({ type: 'snapshot', projects: delivery.snapshot, freshness });
      else cache.write({ type: isLive(delivery.entry) ? 'changed' : 'removed', project: delivery.entry });
    },
    newest: (id: string): ReturnType<ProjectCache['newest']> => cache.newest(id),
    [Symbol.dispose](): void {
      cache.dispose();
      queryClient.clear();
    },
  };
}

describe('the project cache', () => {
  it('shows the same lists after all entries of the log in any order, with repetitions', () => {
    fc.assert(
      fc.property(
        anyLog.chain((log) => fc.tuple(fc.constant(log), anyDelivery(log, { of: 'each' }))),
        ([log, entries]) => {
          using page = openPage();
          for (const entry of entries) page.receive({ entry });
          for (const filter of listFilters) expect(page.shown(filter)).toEqual(truthFor(filter, log));
        },
      ),
    );
  });

  const logWithSnapshot = anyLog.chain((log) =>
    fc.record({
      log: fc.constant(log),
      before: anyDelivery(log, { of: 'some' }),
      earlierSnapshotAt: fc.nat(log.length),
      snapshotAt: fc.nat(log.length),
      overlap: fc.nat(log.length),
      places: fc.array(fc.nat(1_000), { minLength: 32, maxLength: 32 }),
    }),
  );

  /** Deliveries after a snapshot: entries after it and some entries that it already contains, repeated and shuffled. */
  function followUp(log: Project[], drawn: { snapshotAt: number; overlap: number; places: number[] }): Project[] {
    const entries = log.slice(Math.max(0, drawn.snapshotAt - drawn.overlap));
    return [...entries, ...entries.filter((_, index) => index % 3 === 0)]
      .map((entry, index) => ({ entry, place: drawn.places[index] ?? 0 }))
      .toSorted((one, other) => one.place - other.place)
      .map(({ entry }) => entry);
  }

  it('shows the state of the server after a snapshot and the entries after it, with any earlier and repeated deliveries', () => {
    fc.assert(
      fc.property(logWithSnapshot, ({ log, before, earlierSnapshotAt, ...rest }) => {
        using page = openPage();
        for (const entry of before) page.receive({ entry });
        page.receive({ snapshot: stateAfter(log.slice(0, earlierSnapshotAt)).filter(isLive) });
        page.receive({ snapshot: stateAfter(log.slice(0, rest.snapshotAt)).filter(isLive) });
        for (const entry of followUp(log, rest)) page.receive({ entry });
        for (const filter of listFilters) expect(page.shown(filter)).toEqual(truthFor(filter, log));
      }),
    );
  });

  it('never shows an older version after a newer one, and never restores a removed project', () => {
    fc.assert(
      fc.property(logWithSnapshot, ({ log, before, ...rest }) => {
        using page = openPage();
        const removed = new Set<string>();
        let held: Project[] = [];
        const snapshot = stateAfter(log.slice(0, rest.snapshotAt)).filter(isLive);
        for (const delivery of [
          ...before.map((entry) => ({ entry })),
          { snapshot },
          ...followUp(log, rest).map((entry) => ({ entry })),
        ]) {
          page.receive(delivery);
          if ('entry' in delivery && !isLive(delivery.entry)) removed.add(delivery.entry.id);
          const now = page.shown({});
          for (const project of now) {
            expect(removed).not.toContain(project.id);
            const earlier = held.find(({ id }) => id === project.id);
            expect(project.statusVersion).toBeGreaterThanOrEqual(earlier?.statusVersion ?? 0);
            expect(page.newest(project.id)).toEqual(project);
          }
          held = now;
        }
      }),
    );
  });

  it('returns the same pages for a repeated delivery', () => {
    fc.assert(
      fc.property(anyLog, fc.constantFrom(...listFilters), (log, filter) => {
        const pages = mergeIntoPages(pagesOf([]), filter, some(...stateAfter(log)));
        for (const entry of log) {
          if (belongsInList(filter, stateAfter(log).find(({ id }) => id === entry.id) ?? entry)) {
            expect(mergeIntoPages(pages, filter, some(entry))).toBe(pages);
          }
        }
        expect(mergeIntoPages(pages, filter, all(...stateAfter(log)))).toBe(pages);
      }),
    );
  });

  it('keeps a partly loaded list sorted and without duplicates, with the same pages and cursor', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }),
        fc.array(
          fc.record({
            number: fc.integer({ min: 1, max: 9 }),
            statusVersion: fc.integer({ min: 1, max: 5 }),
            archived: fc.boolean(),
          }),
          { maxLength: 20 },
        ),
        (numbers, changes) => {
          const loaded = numbers.toSorted((one, other) => other - one).map((number) => testProject(number));
          let pages = pagesOf(loaded, { more: true });
          const cursors = pages.pages.map(({ nextCursor }) => nextCursor);
          for (const { number, statusVersion, archived } of changes) {
            const project = testProject(number, { statusVersion, status: archived ? 'archived' : 'ready' });
            pages = mergeIntoPages(pages, {}, some(project));
            const ids = pages.pages.flatMap((page) => page.items.map(({ id }) => id));
            expect(ids).toEqual([...new Set(ids)].toSorted().toReversed());
            expect(pages.pages.map(({ nextCursor }) => nextCursor)).toEqual(cursors);
          }
        },
      ),
    );
  });
});
