import { describe, expect, it } from 'vitest';

import { projectFixture } from '../../../tests/support/project-fixture.ts';
import { AppError } from '../contract/errors.ts';
import type { Project } from '../contract/project.ts';
import { watchProjects, type SubscriptionHandlers } from './watch.ts';

const freshness = { state: 'live', asOf: null } as const;
const v = (statusVersion: number, more: Partial<Project> = {}) => projectFixture({ id: 'p', statusVersion, ...more });

/** A server of which the test is the master: it holds the handlers of every subscription that was opened. */
function setUp({ getProject = async (): Promise<Project> => v(1) } = {}) {
  const opened: SubscriptionHandlers[] = [];
  const abort = new AbortController();
  let open = 0;
  const iterator = watchProjects(
    {
      subscribe(_input, handlers) {
        opened.push(handlers);
        open += 1;
        return {
          unsubscribe() {
            open -= 1;
          },
        };
      },
      getProject,
      delayMs: () => 0,
    },
    { projectId: undefined, signal: abort.signal },
  );
  const next = async () => {
    const { value } = await iterator.next();
    return value ? `${value.id} ${value.status} v${value.statusVersion}` : 'end';
  };
  const current = () => {
    const handlers = opened.at(-1);
    if (!handlers) throw new Error('Nothing was subscribed yet.');
    return handlers;
  };
  return { iterator, next, current, opened, abort, openCount: () => open };
}

describe('a watch', () => {
  it('yields every project of the snapshot, then what has changed', async () => {
    const { next, current } = setUp();
    const first = next();
    current().onData({ type: 'snapshot', projects: [v(1), v(1, { id: 'q' })], freshness });
    expect(await first).toBe('p ready v1');
    expect(await next()).toBe('q ready v1');
    const third = next();
    current().onData({ type: 'changed', project: v(2) });
    expect(await third).toBe('p ready v2');
  });

  it('yields nothing twice and nothing that is older', async () => {
    const { next, current } = setUp();
    const first = next();
    current().onData({ type: 'changed', project: v(5) });
    await first;
    current().onData({ type: 'changed', project: v(5) });
    current().onData({ type: 'changed', project: v(4) });
    current().onData({ type: 'changed', project: v(6) });
    expect(await next()).toBe('p ready v6');
  });

  it('yields the last state of a project that has vanished from a snapshot', async () => {
    const { next, current } = setUp({ getProject: async () => v(9, { status: 'archived' }) });
    const first = next();
    current().onData({ type: 'snapshot', projects: [v(1)], freshness });
    await first;
    const second = next();
    current().onData({ type: 'snapshot', projects: [], freshness });
    expect(await second).toBe('p archived v9');
  });

  it('subscribes again when the subscription has ended or failed in passing', async () => {
    const { next, current, opened } = setUp();
    const first = next();
    current().onComplete();
    await expect.poll(() => opened.length).toBe(2);
    current().onError(new AppError('UNAVAILABLE', 'Try again.'));
    await expect.poll(() => opened.length).toBe(3);
    current().onData({ type: 'changed', project: v(1) });
    expect(await first).toBe('p ready v1');
  });

  it('throws the error when trying again is of no use', async () => {
    const { next, current, openCount } = setUp();
    const first = next();
    current().onError(new AppError('NOT_FOUND', 'No such project.'));
    await expect(first).rejects.toThrow('No such project.');
    expect(openCount()).toBe(0);
  });

  it('ends when its signal aborts, and leaves nothing open', async () => {
    const { next, abort, openCount } = setUp();
    const first = next();
    abort.abort();
    expect(await first).toBe('end');
    expect(openCount()).toBe(0);
  });

  it('leaves nothing open when its reader stops reading', async () => {
    const { iterator, next, current, openCount } = setUp();
    const first = next();
    current().onData({ type: 'changed', project: v(1) });
    await first;
    await iterator.return();
    expect(openCount()).toBe(0);
  });
});
