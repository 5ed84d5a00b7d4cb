/**
 * What a reader of `watchProjects` receives in any order of deliveries: versions of a few projects arrive as changes and
 * snapshots, repeated and reordered. Not covered here: lost connections, and projects that a snapshot lacks.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { projectFixture } from '../../../tests/support/project-fixture.ts';
import type { ProjectEvent } from '../contract/events.ts';
import type { Project } from '../contract/project.ts';
import type { SubscriptionHandlers } from './live-feed.ts';
import { watchProjects } from './watch.ts';

const versions = fc
  .array(fc.record({ id: fc.constantFrom('p', 'q', 'r'), statusVersion: fc.integer({ min: 1, max: 6 }) }), {
    minLength: 1,
    maxLength: 20,
  })
  .map((drawn) => drawn.map((each) => projectFixture(each)));

/** Each project as one change, or as a snapshot together with the projects before it. */
function eventsOf(projects: Project[], asSnapshot: (index: number) => boolean): ProjectEvent[] {
  const known = new Map<string, Project>();
  return projects.map((project, index) => {
    known.set(project.id, project);
    return asSnapshot(index)
      ? { type: 'snapshot', projects: [...known.values()], freshness: { state: 'live', asOf: null } }
      : { type: 'changed', project };
  });
}

/** Everything that is yielded when the reader takes `reads[i]` items after event `i` and the rest at the end. */
async function readAll(events: ProjectEvent[], reads: number[]): Promise<Project[]> {
  let handlers: SubscriptionHandlers | undefined;
  const abort = new AbortController();
  const yielded: Project[] = [];
  const iterator = watchProjects(
    {
      subscribe(_input, given) {
        handlers = given;
        return { unsubscribe() {} };
      },
      getProject: () => Promise.reject(new Error('No project is missing from a snapshot here.')),
      delayMs: () => 0,
    },
    { projectId: undefined, signal: abort.signal },
  );
  let open = iterator.next();
  const take = async (most: number) => {
    for (let taken = 0; taken < most; taken++) {
      // A waiting item arrives within a few microtasks. A read that finds none stays open for the next event.
      const result = await Promise.race([open, new Promise<null>((resolve) => setImmediate(() => resolve(null)))]);
      if (!result?.value) return;
      yielded.push(result.value);
      open = iterator.next();
    }
  };
  for (const [index, event] of events.entries()) {
    handlers?.onEvent(event);
    await take(reads[index] ?? 0);
  }
  await take(Infinity);
  abort.abort();
  expect((await open).done).toBe(true);
  return yielded;
}

describe('a watch', () => {
  it('yields only rising versions and ends with the newest of each project, in every order of deliveries', async () => {
    await fc.assert(
      fc.asyncProperty(
        versions,
        fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
        fc.array(fc.nat(2), { minLength: 20, maxLength: 20 }),
        async (projects, snapshots, reads) => {
          const yielded = await readAll(
            eventsOf(projects, (index) => snapshots[index] ?? false),
            reads,
          );
          const last = new Map<string, number>();
          for (const { id, statusVersion } of yielded) {
            expect(statusVersion).toBeGreaterThan(last.get(id) ?? 0);
            last.set(id, statusVersion);
          }
          const newest = new Map<string, number>();
          for (const { id, statusVersion } of projects) newest.set(id, Math.max(statusVersion, newest.get(id) ?? 0));
          expect(last).toEqual(newest);
        },
      ),
    );
  });
});
